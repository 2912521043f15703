import { setFlagsFromString } from 'node:v8';

/** The optimizing compiler takes 1.5 seconds and 50 MB for a function of 200 KB, twice that for 400 KB. */
const LARGEST_FUNCTION = 64 * 1024;
const CODE_SECTION = 10;
const HEADER_BYTES = 8;

/**
 * Compiles a module. One with a huge function, as the lexers of Bash, LaTeX, PowerShell and Swift are, is left to the
 * baseline compiler: a lexer does not get faster by more, and the optimizing one would start on it after the first few
 * words of source, and take seconds.
 *
 * @throws what `WebAssembly.compile` throws
 */
export async function compileModule(bytes: Uint8Array): Promise<WebAssembly.Module> {
  return largestFunction(bytes) > LARGEST_FUNCTION ? compileBaseline(bytes) : WebAssembly.compile(bytes);
}

/**
 * What a module is compiled with is settled when it is made. Not tiering up dynamically would mean to optimize at once,
 * so that must be off as well; it has no effect on modules that do. A V8 that does not know the flags does as it does.
 */
function compileBaseline(bytes: Uint8Array): WebAssembly.Module {
  setFlagsFromString('--no-wasm-tier-up');
  setFlagsFromString('--no-wasm-dynamic-tiering');
  try {
    return new WebAssembly.Module(bytes);
  } finally {
    setFlagsFromString('--wasm-dynamic-tiering');
  }
}

/** Size of the largest function body in bytes; 0 where there is none, or the module is damaged. */
function largestFunction(bytes: Uint8Array): number {
  let at = HEADER_BYTES;
  /** An unsigned LEB128 number. */
  const number = (): number => {
    let value = 0;
    for (let scale = 1; at < bytes.length; scale *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) break;
    }
    return value;
  };
  while (at < bytes.length) {
    const section = bytes[at++];
    const size = number();
    if (section !== CODE_SECTION) {
      at += size;
      continue;
    }
    let largest = 0;
    for (let left = number(); left > 0 && at < bytes.length; left--) {
      const body = number();
      largest = Math.max(largest, body);
      at += body;
    }
    return largest;
  }
  return 0;
}

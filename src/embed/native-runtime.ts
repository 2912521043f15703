import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/**
 * onnxruntime's native build. It would report what it runs to its maker, and keep a number for the machine and a database
 * in the cache directory, unless it is told not to before it loads (ORT_DISABLE_TELEMETRY, what the user has set wins).
 */
export async function loadNativeRuntime(): Promise<typeof import('onnxruntime-node')> {
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
  return import('onnxruntime-node');
}

/**
 * Whether onnxruntime's native build can be expected to work here, as far as its files tell: it comes for some systems, and
 * for Linux with glibc. Without it `auto` takes WebAssembly, in more than twice the memory. Where the files of another libc lie
 * beside it false is wrong, and costs that the model is loaded to be looked at.
 */
export function expectsNativeRuntime(): boolean {
  const { platform, arch } = process;
  const musl = { x64: 'x86_64', arm64: 'aarch64' }[String(arch)] ?? arch;
  if (platform === 'linux' && existsSync(`/lib/ld-musl-${musl}.so.1`)) return false;
  try {
    const builds = join(dirname(createRequire(import.meta.url).resolve('onnxruntime-node')), '../bin');
    return readdirSync(builds).some((version) =>
      existsSync(join(builds, version, platform, arch, 'onnxruntime_binding.node')),
    );
  } catch {
    // Not installed.
    return false;
  }
}

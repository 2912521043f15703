import { grammars } from '../../grammars/index.ts';
import { NativeParserError, nativeSupport } from '../chunk/native/parser-process.ts';
import type { NativeSupport } from '../chunk/native/protocol.ts';
import { BUNDLED_MODEL_ID } from '../embed/bundled-model.ts';
import { detectDevices } from '../embed/devices.ts';
import { defaultCacheRoot } from '../embed/model-cache.ts';
import { machineLimits } from '../memory/machine.ts';
import { defaultBudgetBytes, SMALLEST_BYTES, SMALLEST_LEXICAL_BYTES } from '../memory/plan.ts';
import { formatSize } from '../memory/size.ts';
import { TIDEMARK_VERSION } from '../pipeline/versions.ts';
import { EXIT } from './exit-codes.ts';
import { printJson, printLine } from './output.ts';

/** `tidemark doctor`: exit code 1 where nothing can embed. */
export async function doctorCommand(options: { readonly json?: boolean }): Promise<number> {
  const devices = await detectDevices();
  const machine = machineLimits();
  const report = {
    versions: {
      tidemark: TIDEMARK_VERSION,
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
    },
    devices,
    memory: {
      ...machine,
      defaultBudgetBytes: defaultBudgetBytes(),
      smallestBudgetBytes: SMALLEST_BYTES,
      smallestLexicalBudgetBytes: SMALLEST_LEXICAL_BYTES,
    },
    nativeParser: await nativeParser(),
    model: { id: BUNDLED_MODEL_ID, cache: defaultCacheRoot() },
    languages: {
      bySyntax: grammars.filter((g) => g.wasm !== undefined).map((g) => g.name),
      byLines: grammars.filter((g) => g.wasm === undefined).map((g) => g.name),
    },
  };
  const code = devices.some(({ ok }) => ok) ? EXIT.complete : EXIT.failed;
  if (options.json) {
    await printJson(report);
    return code;
  }
  const { versions, memory, model, languages, nativeParser: native } = report;
  await printLine(`version   tidemark ${versions.tidemark}, node ${versions.node}, ${versions.platform}`);
  for (const { device, ok, detail, passedOver } of devices) {
    const why = passedOver === null ? '' : `; auto passes it over: ${passedOver}`;
    await printLine(`device    ${device}: ${ok ? 'works' : 'does not work'}, ${detail}${why}`);
  }
  await printLine(
    `memory    ${formatSize(memory.limitBytes)} by ${memory.source}, ${formatSize(memory.availableBytes)} free, ${memory.cores} cores`,
  );
  await printLine(
    `budget    ${formatSize(memory.defaultBudgetBytes)} by default, at least ${formatSize(memory.smallestBudgetBytes)}, ` +
      `${formatSize(memory.smallestLexicalBudgetBytes)} with --no-embed`,
  );
  await printLine(`model     ${model.id}, cached in ${model.cache}`);
  await printLine(`syntax    ${languages.bySyntax.join(', ')}`);
  await printLine(`lines     ${languages.byLines.join(', ')}`);
  await printLine(
    native.works
      ? `native    --parser native works, for ${native.languages.join(', ')}`
      : `native    --parser native does not work: ${native.reason}`,
  );
  for (const { language, reason } of native.works ? native.missing : [])
    await printLine(`native    not for ${language}: ${reason}`);
  return code;
}

type NativeReport = ({ works: true } & NativeSupport) | { works: false; reason: string };

async function nativeParser(): Promise<NativeReport> {
  try {
    return { works: true, ...(await nativeSupport()) };
  } catch (error) {
    if (!(error instanceof NativeParserError)) throw error;
    return { works: false, reason: error.reason };
  }
}

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Gpu {
  readonly name: string;
  readonly driver: string;
  readonly usedBytes: number;
}

/** The first GPU that NVIDIA's tool tells of; null where there is no such tool, as with other makers' cards. */
export async function nvidiaGpu(): Promise<Gpu | null> {
  try {
    const query = ['--query-gpu=name,driver_version,memory.used', '--format=csv,noheader,nounits'];
    const { stdout } = await run('nvidia-smi', query);
    const [name, driver, mebibytes] = stdout.split('\n')[0]!.split(', ');
    return { name: name!, driver: driver!, usedBytes: Number(mebibytes) * 1024 * 1024 };
  } catch {
    return null;
  }
}

/** Samples the GPU's used memory until `stop`, which gives the most above what it was at the start; null where unknown. */
export function watchGpuMemory(): { stop(): Promise<number | null> } {
  let first: number | null = null;
  let peak = 0;
  let stopped = false;
  const watching = (async () => {
    while (!stopped) {
      const gpu = await nvidiaGpu();
      if (gpu === null) return;
      first ??= gpu.usedBytes;
      peak = Math.max(peak, gpu.usedBytes);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  return {
    async stop() {
      stopped = true;
      await watching;
      return first === null ? null : peak - first;
    },
  };
}

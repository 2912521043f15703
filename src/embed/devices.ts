import { existsSync, readdirSync } from 'node:fs';
import { EmbedderProcess } from './embedder-process.ts';
import { messageOf } from './errors.ts';
import type { Device, Dtype } from './model-files.ts';

/** In the order in which they are tried. */
export const DEVICES = ['webgpu', 'cpu', 'wasm'] as const satisfies readonly Device[];

/** A GPU has no kernels for 8-bit weights: each layer would be copied to the CPU and back. */
const EIGHT_BIT: ReadonlySet<string> = new Set<Dtype>(['q8', 'int8', 'uint8']);

export interface DeviceReport {
  readonly device: Device;
  readonly ok: boolean;
  /** One line: the version of the runtime, or why it does not work. */
  readonly detail: string;
  /** Why `--device auto` would not take it although it works; null where it would, were it the first. */
  readonly passedOver: string | null;
}

/** The devices to try, best first. @param dtype of the weights; null where that is open */
export function candidates(device: Device | 'auto', dtype: Dtype | null): readonly Device[] {
  if (device !== 'auto') return [device];
  const gpu = !EIGHT_BIT.has(dtype ?? '') && missingGpu() === null;
  return DEVICES.filter((name) => name !== 'webgpu' || gpu);
}

/** Tries each device in a process of its own, so that one which crashes does no harm. Never rejects. */
export async function detectDevices(): Promise<DeviceReport[]> {
  const reports: DeviceReport[] = [];
  for (const device of DEVICES) reports.push(await detect(device));
  return reports;
}

async function detect(device: Device): Promise<DeviceReport> {
  const passedOver =
    device === 'webgpu'
      ? (missingGpu() ?? 'the bundled model has 8-bit weights unless --dtype fp32 is given')
      : null;
  try {
    return { device, ok: true, detail: await probeDevice(device), passedOver };
  } catch (error) {
    return { device, ok: false, detail: messageOf(error), passedOver: null };
  }
}

/**
 * The version of the runtime that a new process has for the device.
 * @throws DeviceError when it does not work here, EmbedderCrashedError when its driver takes the process down
 */
export async function probeDevice(device: Device): Promise<string> {
  const process = new EmbedderProcess(128);
  try {
    return (await process.call('probe', device)).output.runtime;
  } finally {
    await process.close();
  }
}

/** Why there is no GPU here; null where there may be one. A driver in software works, but slower than the CPU itself. */
function missingGpu(): string | null {
  if (process.platform !== 'linux') return null;
  let nodes: string[] = [];
  try {
    nodes = readdirSync('/dev/dri');
  } catch {
    // Absent, or closed to us, which comes to the same.
  }
  const there =
    nodes.some((name) => name.startsWith('renderD')) ||
    ['/dev/nvidia0', '/dev/dxg'].some((path) => existsSync(path));
  return there ? null : 'there is no GPU under /dev';
}

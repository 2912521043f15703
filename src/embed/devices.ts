import { EmbedderProcess } from './embedder-process.ts';
import { messageOf } from './errors.ts';

export interface DeviceReport {
  readonly device: 'cpu';
  readonly ok: boolean;
  /** One line: the version of the runtime, or why it does not work. */
  readonly detail: string;
}

/** Tries each device in a process of its own, so that one which crashes does no harm. Never rejects. */
export async function detectDevices(): Promise<DeviceReport[]> {
  return [await detect('cpu')];
}

async function detect(device: 'cpu'): Promise<DeviceReport> {
  const process = new EmbedderProcess(128);
  try {
    const { output } = await process.call('probe', device);
    return { device, ok: true, detail: `onnxruntime-node ${output.version}` };
  } catch (error) {
    return { device, ok: false, detail: messageOf(error) };
  } finally {
    await process.close();
  }
}

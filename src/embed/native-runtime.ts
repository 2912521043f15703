/**
 * onnxruntime's native build. It would report what it runs to its maker, and keep a number for the machine and a database
 * in the cache directory, unless it is told not to before it loads (ORT_DISABLE_TELEMETRY, what the user has set wins).
 */
export async function loadNativeRuntime(): Promise<typeof import('onnxruntime-node')> {
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
  return import('onnxruntime-node');
}

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../node_modules/.cache/software-vulkan', import.meta.url));

/** For the `skip` of tests that run a model on WebGPU: false where `npm run vulkan` has unpacked a driver in software. */
export const withoutVulkan: string | false = existsSync(`${ROOT}/icd.json`)
  ? false
  : 'there is no software Vulkan here: npm run vulkan';

/** Makes processes that are started from now on see that driver. */
export function useSoftwareVulkan(): void {
  process.env.LD_LIBRARY_PATH = `${ROOT}/usr/lib/x86_64-linux-gnu:${ROOT}/lib/x86_64-linux-gnu`;
  process.env.VK_ICD_FILENAMES = `${ROOT}/icd.json`;
  process.env.XDG_RUNTIME_DIR = `${ROOT}/run`;
}

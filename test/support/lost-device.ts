import { execFileSync, spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withoutVulkan } from './software-vulkan.ts';

const SOURCE = fileURLToPath(new URL('./lost-device.c', import.meta.url));
const LAYER = 'VK_LAYER_TIDEMARK_lost_device';

/** For the `skip` of tests that lose a device. */
export const withoutLosing: string | false =
  withoutVulkan !== false
    ? withoutVulkan
    : spawnSync('cc', ['--version']).status === 0
      ? false
      : 'there is no C compiler here for a layer of Vulkan';

/** Puts a layer over the driver, in `directory`, for processes that are started from now on; gives the switch. */
export function deviceThatCanBeLost(directory: string): { lose(): void; mend(): void } {
  const library = join(directory, 'liblost-device.so');
  const lost = join(directory, 'lost');
  execFileSync('cc', ['-shared', '-fPIC', '-Wall', '-Wextra', '-Werror', '-o', library, SOURCE]);
  const layer = {
    name: LAYER,
    type: 'GLOBAL',
    library_path: library,
    api_version: '1.3.0',
    implementation_version: '1',
    description: 'Loses its device when it is told to',
  };
  writeFileSync(join(directory, 'layer.json'), JSON.stringify({ file_format_version: '1.2.0', layer }));
  process.env.VK_LAYER_PATH = directory;
  process.env.VK_INSTANCE_LAYERS = LAYER;
  process.env.TIDEMARK_TEST_DEVICE_LOST = lost;
  return { lose: () => writeFileSync(lost, ''), mend: () => rmSync(lost) };
}

/** Takes the lock of argv[2], says `won PID` or the error's code, and holds it until its input ends. */
import { acquireLock } from '../../../src/store/lock.ts';

const [, , dir, mode] = process.argv;
process.stdout.write('ready\n');
await new Promise((resolve) => process.stdin.once('data', resolve));
try {
  const lock = await acquireLock(dir!);
  process.stdout.write(`won ${process.pid}\n`);
  await new Promise((resolve) => process.stdin.once(mode === 'hold' ? 'data' : 'end', resolve));
  await lock.release();
} catch (error) {
  process.stdout.write(`${(error as { code?: string }).code ?? String(error)}\n`);
}
process.stdin.destroy();

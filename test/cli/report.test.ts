import assert from 'node:assert/strict';
import { test } from 'node:test';
import { report } from '../../src/cli/exit-codes.ts';
import { TidemarkError } from '../../src/errors.ts';

test('what went wrong first is told, not that closing failed after it', async (t) => {
  const written = t.mock.method(process.stderr, 'write', () => true);
  const failing = async (): Promise<void> => {
    await using _ = {
      [Symbol.asyncDispose]: async () => {
        throw new Error('cannot be closed');
      },
    };
    throw new TidemarkError('ERR_TIDEMARK_SIZE', 'lots is not a size');
  };
  const thrown = await failing().catch((error: unknown) => error);
  const code = report(thrown);
  const said = written.mock.calls.map(({ arguments: [text] }) => text).join('');
  written.mock.restore();
  assert.equal((thrown as Error).name, 'SuppressedError');
  assert.deepEqual([said, code], ['tidemark: lots is not a size\n', 2]);
});

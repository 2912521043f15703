// tsc never deletes: a renamed module would otherwise live on in dist/ and in the package.
import { rmSync } from 'node:fs';

rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true });

import { ModelNotFoundError } from '../errors.ts';
import type { Asker } from './asker.ts';

const NAMES_SHOWN = 10;

/** The name in the address, or the only one that the server has. @throws ModelNotFoundError */
export async function nameOf(asker: Asker, list: () => Promise<readonly unknown[]>): Promise<string> {
  const { model, origin } = asker.target;
  if (model !== null) return model;
  const names = (await list()).filter((name) => typeof name === 'string');
  if (names.length === 1) return names[0]!;
  const shown = names.slice(0, NAMES_SHOWN).map((name) => asker.clean(name));
  const more = names.length > NAMES_SHOWN ? ` and ${names.length - NAMES_SHOWN} more` : '';
  throw new ModelNotFoundError(
    names.length === 0
      ? `${origin} has no model.`
      : `--model: write #MODEL behind the address; ${origin} has ${shown.join(', ')}${more}.`,
  );
}

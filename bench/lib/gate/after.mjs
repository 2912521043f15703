import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** Lance as the built package loads it. */
export const lance = () => require('../../../dist/src/store/lance-packages.cjs').lance();

/** Runs `after` with what a method returns, or what that resolves to. */
export function after(prototype, name, after) {
  const original = prototype[name];
  prototype[name] = function (...args) {
    const result = original.apply(this, args);
    if (!(result instanceof Promise)) {
      after.call(this, result, args);
      return result;
    }
    return result.then((value) => {
      after.call(this, value, args);
      return value;
    });
  };
}

/** Gives the first of the store's tables to `patch`. Rows are added to its native part, `inner`. */
export function onFirstTable(patch) {
  let patched = false;
  const first = (table) => {
    if (patched) return;
    patched = true;
    patch(table);
  };
  const { connect } = lance();
  lance().connect = async (...args) => {
    const connection = await connect(...args);
    for (const name of ['openTable', 'createTable', 'createEmptyTable']) after(connection, name, first);
    return connection;
  };
}

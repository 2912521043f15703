/**
 * The smallest input that still fails, by leaving out ever smaller stretches (after Zeller's delta debugging). Stops
 * when nothing can be left out, or at `deadline` (of `performance.now()`) with the best so far.
 */
export async function minimize(
  bytes: Buffer,
  fails: (bytes: Buffer) => Promise<boolean>,
  deadline: number,
): Promise<Buffer> {
  let best = bytes;
  for (let part = Math.ceil(best.length / 2); part >= 1; ) {
    let smaller = false;
    for (let at = 0; at < best.length && performance.now() < deadline; ) {
      const attempt = Buffer.concat([best.subarray(0, at), best.subarray(at + part)]);
      if (await fails(attempt)) {
        best = attempt;
        smaller = true;
      } else {
        at += part;
      }
    }
    if (performance.now() >= deadline) return best;
    if (!smaller || part > best.length) part = part === 1 ? 0 : Math.ceil(Math.min(part, best.length) / 2);
  }
  return best;
}

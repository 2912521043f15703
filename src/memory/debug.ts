/** Whether the user asked for what helps to find an error: stacks, leases that were not given back, all that children say. */
export function debugging(): boolean {
  return process.env.TIDEMARK_DEBUG === '1';
}

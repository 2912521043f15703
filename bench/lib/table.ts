/** A plain table: the first row is the head, numbers are aligned right. */
export function table(rows: readonly (readonly (string | number)[])[]): string {
  const cells = rows.map((row) => row.map(String));
  const widths = cells[0]!.map((_, i) => Math.max(...cells.map((row) => row[i]!.length)));
  const line = (row: string[], values: readonly (string | number)[]) =>
    row
      .map((cell, i) => (typeof values[i] === 'number' ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ');
  return cells.map((row, i) => line(row, rows[i]!).trimEnd()).join('\n');
}

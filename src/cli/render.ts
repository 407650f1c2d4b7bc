// SPDX-License-Identifier: BSD-2-Clause
// What people see: a framed table on a terminal, aligned columns in a pipe. Text that a guest or a file chose never
// reaches the terminal with its control characters.
import { once } from 'node:events';

/** Where the output goes, and whether a person looks at it. */
export interface Screen {
  readonly terminal: boolean;
  readonly color: boolean;
}

/**
 * Colours are for terminals. NO_COLOR (not empty) takes them away, FORCE_COLOR (not empty, not 0) gives them to a pipe
 * too; NO_COLOR wins. As commander has it for --help, and no-color.org.
 */
export function screenOf(
  stream: Pick<NodeJS.WriteStream, 'isTTY'> = process.stdout,
  env: NodeJS.ProcessEnv = process.env,
): Screen {
  const terminal = stream.isTTY === true; // eslint-disable-line @typescript-eslint/no-unnecessary-boolean-literal-compare -- undefined in a pipe
  return { terminal, color: wantsColor(terminal, env) };
}

function wantsColor(terminal: boolean, { NO_COLOR, FORCE_COLOR, TERM }: NodeJS.ProcessEnv): boolean {
  if (NO_COLOR) return false;
  if (FORCE_COLOR) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return terminal && TERM !== 'dumb';
}

/** Columns: a name, and whether it is numbers (they align right). */
export interface Column {
  readonly name: string;
  readonly right?: boolean;
}

/** C0, DEL, C1, and the marks that reorder text, as `\x1b` or `\u202e`. */
export function escapeControl(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, (found) => {
    const code = found.charCodeAt(0).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code}`;
  });
}

/** Ends with a line feed. `paint` colours a whole row by its cells; it is asked on a colour terminal only. */
export async function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  screen: Screen,
  paint?: (row: readonly string[]) => Color | null,
): Promise<string> {
  const clean = rows.map((row) => row.map(escapeControl));
  const colors = clean.map((row) => (screen.color ? (paint?.(row) ?? null) : null));
  if (!screen.terminal) return paintLines(plainTable(columns, clean), colors);
  return framedTable(
    columns,
    clean.map((row, at) => paintRow(row, colors[at] ?? null)),
    screen,
  );
}

/** A plain table is aligned first, then coloured: a colour has no width. */
function paintLines(table: string, colors: readonly (Color | null)[]): string {
  const [heading = '', ...lines] = table.split('\n');
  const painted = lines.map((line, at) => {
    const color = colors[at];
    return color ? paintText(line, color) : line;
  });
  return [heading, ...painted].join('\n');
}

/** No trailing blanks: the last column stays as it is. */
export function plainTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const lines = [columns.map(({ name }) => name), ...rows];
  const widths = columns.map((_, at) =>
    lines.reduce((widest, line) => Math.max(widest, line[at]?.length ?? 0), 0),
  );
  return lines.map((line) => `${alignLine(columns, widths, line)}\n`).join('');
}

function alignLine(columns: readonly Column[], widths: readonly number[], line: readonly string[]): string {
  const cells = columns.map(({ right }, at) => {
    const [cell, width] = [line[at] ?? '', widths[at] ?? 0];
    return right ? cell.padStart(width) : cell.padEnd(width);
  });
  return cells.join('  ').trimEnd();
}

/** Loaded when a person looks on, so that scripts do not wait for it. */
async function framedTable(columns: readonly Column[], rows: string[][], { color }: Screen): Promise<string> {
  const { default: Table } = await import('cli-table3');
  const table = new Table({
    head: columns.map(({ name }) => name),
    colAligns: columns.map(({ right }) => (right ? 'right' : 'left')),
    style: { compact: true, head: color ? ['bold'] : [], border: color ? ['grey'] : [] },
  });
  table.push(...rows);
  return `${table.toString()}\n`;
}

const COLORS = { red: 31, green: 32, yellow: 33, grey: 90 } as const;
export type Color = keyof typeof COLORS;

export const paintText = (text: string, color: Color): string => `\x1b[${COLORS[color]}m${text}\x1b[39m`;

const paintRow = (row: readonly string[], color: Color | null): string[] =>
  row.map((cell) => (color ? paintText(cell, color) : cell));

/** Waits for a slow reader, so that a long output is not held in memory. */
export async function print(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

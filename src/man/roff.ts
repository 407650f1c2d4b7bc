// SPDX-License-Identifier: BSD-2-Clause
// Text -> roff with the man macros: escaping, and the few shapes that our pages are made of.

/** As text of a paragraph. */
export function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('’', '\\(cq')
    .replaceAll(
      /[^\x00-\x7f]/gu,
      (found) => `\\[u${found.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}]`,
    )
    .replaceAll(/^[.']/gm, '\\&$&');
}

/** As an argument of a macro. */
export const quoted = (text: string): string => `"${roff(text).replaceAll('"', '\\(dq')}"`;

export const bold = (text: string): string => `\\fB${roff(text)}\\fR`;
export const italic = (text: string): string => `\\fI${roff(text)}\\fR`;

export const heading = (name: string, ...body: string[]): string[] => [`.SH ${quoted(name)}`, ...body];

/** What is meant by a word: the word, then an indented explanation. */
export const tagged = (tag: string, ...explanation: string[]): string[] => ['.TP', tag, ...explanation];

/** As it stands, line by line. */
export const literal = (lines: readonly string[]): string[] => [
  '.PP',
  '.RS 4',
  '.nf',
  ...lines.map((line) => roff(line) || '\\&'),
  '.fi',
  '.RE',
];

export const paragraph = (text: string): string[] => ['.PP', roff(text)];

/** @param section 1, 5, ...; @param title As in the head of the page. */
export function page(title: string, section: number, version: string, body: readonly string[]): string {
  const from = [`havip ${version}`, 'havip'].map(quoted).join(' ');
  const head = `.TH ${quoted(title.toUpperCase())} ${section} ${buildDate()} ${from}`;
  return [`.\\" Written by make man, from the command line's own tree.`, head, ...tidy(body), ''].join('\n');
}

/** Builds that are to come out alike set SOURCE_DATE_EPOCH. */
function buildDate(): string {
  const seconds = process.env.SOURCE_DATE_EPOCH;
  return new Date(seconds ? Number(seconds) * 1000 : Date.now()).toISOString().slice(0, 10);
}

/** As mandoc's lint asks: no paragraph right below a heading, no line of prose beyond 80 characters. */
function tidy(body: readonly string[]): string[] {
  let isLiteral = false;
  const lines = body.flatMap((part) => part.split('\n'));
  return lines.flatMap((line, at) => {
    if (line === '.nf' || line === '.fi') isLiteral = line === '.nf';
    if (line === '.PP' && lines[at - 1]?.startsWith('.SH')) return [];
    return isLiteral || line.startsWith('.') ? [line] : wrapped(line);
  });
}

const LINE = 78;

function wrapped(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= LINE)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word.replace(/^[.']/, '\\&$&'));
  }
  return lines;
}

// SPDX-License-Identifier: BSD-2-Clause
// Text -> one YAML document and the faults of its syntax. Depth is bounded here: yaml composes recursively, and where
// the stack ends V8 may abort the whole process (it did, while compiling a regular expression) instead of throwing.
import { Composer, Lexer, LineCounter, Parser, YAMLParseError } from 'yaml';
import type { CST, Document, YAMLError } from 'yaml';

/** A fault of the text itself. Unit of `offset`: UTF-16 units from the start. */
export interface TextFault {
  readonly offset: number;
  readonly message: string;
}

export interface Syntax {
  /** Null when there are faults: what a broken text seems to say is not worth a second complaint. */
  readonly document: Document | null;
  readonly faults: readonly TextFault[];
  readonly lines: LineCounter;
}

/** Nested collections; a configuration has 10. */
const MAX_DEPTH = 100;

/** Errors: none. */
export function readSyntax(text: string): Syntax {
  const lines = new LineCounter();
  const options = { prettyErrors: false, uniqueKeys: false, logLevel: 'error' } as const;
  try {
    const [document, second] = new Composer(options).compose(tokens(text, lines), true, text.length);
    if (document === undefined) return { document: null, faults: [], lines };
    const faults = faultsOf(document);
    if (second !== undefined)
      faults.push({ offset: second.range[0], message: 'a second document begins here; allowed: one' });
    return { document: faults.length === 0 ? document : null, faults, lines };
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    return { document: null, faults: [{ offset: error.pos[0], message: error.message }], lines };
  }
}

/** `Parser.parse`, with a look at the depth before each step. Errors: YAMLParseError where it is too deep. */
function* tokens(text: string, lines: LineCounter): Generator<CST.Token> {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    const { offset } = parser;
    yield* parser.next(lexeme);
    if (parser.stack.length > MAX_DEPTH) {
      const message = `nested too deeply; allowed: ${MAX_DEPTH} levels`;
      throw new YAMLParseError([offset, offset], 'IMPOSSIBLE', message);
    }
  }
  yield* parser.end();
}

function faultsOf(document: Document): TextFault[] {
  const version = document.directives?.yaml.version;
  // Under 1.1 "off" is no text and 010 is 8.
  if (version !== '1.2') return [{ offset: 0, message: `%YAML: found "${version}"; allowed: 1.2` }];
  return [...document.errors, ...document.warnings].map(describeYamlError);
}

function describeYamlError(error: YAMLError): TextFault {
  return { offset: error.pos[0], message: `not valid YAML: ${error.message.replaceAll(/\s+/g, ' ')}` };
}

// SPDX-License-Identifier: BSD-2-Clause
// The one list of error codes, and what each means to the shell that started us.

/** Exit code of the process for each code (DESIGN.md, "What is fixed for users"). */
const EXIT_CODES = {
  /** Something that should have worked did not. */
  FAILED: 1,
  /** A wrong flag, argument or configuration; nothing was applied. */
  USAGE: 2,
  /** The kernel or the file system asks for a privilege that this process lacks. */
  PERMISSION: 3,
  /** No daemon answers on the socket, or nothing is pinned at the pin path. */
  NOT_RUNNING: 4,
  /** No such HAVIP, EIP, subnet or port. */
  NOT_FOUND: 1,
  /** The address is defined already. */
  EXISTS: 1,
  /** It is the configuration file's, which only an editor changes. */
  FROM_FILE: 1,
  /** A bound that keeps one client from harming the others. */
  EXHAUSTED: 1,
  /** No answer in time. */
  TIMEOUT: 1,
} as const;

export type ErrorCode = keyof typeof EXIT_CODES;
export const ERROR_CODES = Object.keys(EXIT_CODES) as readonly ErrorCode[];

/**
 * An error that an operator can act on. The message says what failed, on what and why; `cure` says what to do,
 * and is printed on a line of its own.
 */
export class HavipError extends Error {
  readonly code: ErrorCode;
  readonly cure: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cure?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'HavipError';
    this.code = code;
    this.cure = options.cure;
  }

  get exitCode(): number {
    return EXIT_CODES[this.code];
  }

  /** Whatever was thrown, as one of ours; EPERM and EACCES become PERMISSION. */
  static from(thrown: unknown): HavipError {
    if (thrown instanceof HavipError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new HavipError(isPermission(thrown) ? 'PERMISSION' : 'FAILED', message, { cause: thrown });
  }
}

function isPermission(thrown: unknown): boolean {
  const code = (thrown as { code?: unknown } | null)?.code;
  return code === 'EPERM' || code === 'EACCES';
}

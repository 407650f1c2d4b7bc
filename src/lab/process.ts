// SPDX-License-Identifier: BSD-2-Clause
// One process that the lab started: its output as lines that can be awaited, and its end. Which namespace
// it runs in, and when it has to go, is the business of lab.ts.
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { HavipError } from '../errors.js';

export interface Exit {
  /** Exit code; 128 + signal number is not used: null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Finished {
  readonly stdout: string;
  readonly stderr: string;
  /** Exit code; -1 when a signal ended it. */
  readonly code: number;
}

export interface StartOptions {
  /** Added to this process's environment. */
  env?: Record<string, string>;
  /** Keep standard input open for `write`. @default false: /dev/null */
  stdin?: boolean;
  /** Survive this process: output goes to this file, is not read here, and nobody waits. */
  keepLog?: string;
}

export interface WaitOptions {
  /** @default 10000 */
  timeoutMs?: number;
  /** Look only at lines from this index on, for example `child.lines.length` before the act. @default 0 */
  from?: number;
}

/** Ends with its parent: a lab whose process was killed must not leave keepalived running. */
const TIED_TO_PARENT = ['setpriv', '--pdeathsig', 'KILL', '--'];

export class Child {
  readonly argv: readonly string[];
  /** Lines of both streams, in the order in which they came. */
  readonly lines: string[] = [];
  /** When the process itself has ended; a descendant may still hold its pipes. */
  readonly exited: Promise<Exit>;
  /** When its output is complete as well. */
  readonly closed: Promise<Exit>;
  readonly #process: ChildProcess;
  readonly #watchers = new Set<() => void>();
  readonly #output = { stdout: '', stderr: '' };
  #exit: Exit | undefined;

  constructor(argv: readonly string[], options: StartOptions = {}) {
    this.argv = argv;
    this.#process = start(argv, options);
    this.#read('stdout');
    this.#read('stderr');
    this.exited = this.#ends('exit');
    this.closed = this.#ends('close');
    // A tool that closes its input early is no error of ours; its exit code tells.
    this.#process.stdin?.on('error', () => undefined);
    if (options.keepLog !== undefined) this.#process.unref();
  }

  /** Process id, -1 when it never started. */
  get pid(): number {
    return this.#process.pid ?? -1;
  }

  get running(): boolean {
    return this.#exit === undefined;
  }

  get stdout(): string {
    return this.#output.stdout;
  }

  get stderr(): string {
    return this.#output.stderr;
  }

  write(text: string): void {
    this.#process.stdin?.write(text);
  }

  /** Closes its standard input. */
  end(text = ''): void {
    this.#process.stdin?.end(text);
  }

  /** Sends a signal to this one process, if it is still there. */
  kill(signal: NodeJS.Signals): void {
    if (this.running) this.#process.kill(signal);
  }

  /** The first line that matches, past or future. Fails when the process ends or time runs out before. */
  async waitFor(pattern: RegExp, options: WaitOptions = {}): Promise<RegExpMatchArray> {
    const timeoutMs = options.timeoutMs ?? 10_000;
    let next = options.from ?? 0;
    return new Promise((resolve, reject) => {
      const look = (): void => {
        for (; next < this.lines.length; next += 1) {
          const match = this.lines[next]?.match(pattern);
          if (match) return settle(() => resolve(match));
        }
        if (!this.running) settle(() => reject(this.#noMatch(pattern, 'before it ended')));
      };
      const settle = (act: () => void): void => {
        this.#watchers.delete(look);
        clearTimeout(timer);
        act();
      };
      const timer = setTimeout(
        () => settle(() => reject(this.#noMatch(pattern, `within ${timeoutMs} ms`))),
        timeoutMs,
      );
      this.#watchers.add(look);
      look();
    });
  }

  /** Signals it, and kills it when it has not ended after `graceMs`. Harmless when it has ended. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', graceMs = 1000): Promise<Exit> {
    this.kill(signal);
    const timer = setTimeout(() => this.kill('SIGKILL'), graceMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits for the end and returns all that it wrote. */
  async finished(): Promise<Finished> {
    const { code } = await this.closed;
    return { stdout: this.stdout, stderr: this.stderr, code: code ?? -1 };
  }

  #noMatch(pattern: RegExp, when: string): HavipError {
    const tail = this.lines.slice(-8).join('\n  ');
    return new HavipError('FAILED', `"${this.argv.join(' ')}" did not print ${pattern} ${when}:\n  ${tail}`);
  }

  #read(name: 'stdout' | 'stderr'): void {
    let rest = '';
    this.#process[name]?.setEncoding('utf8').on('data', (text: string) => {
      this.#output[name] += text;
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      this.lines.push(...parts);
      this.#wake();
    });
  }

  #wake(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  #ends(event: 'exit' | 'close'): Promise<Exit> {
    return new Promise((resolve) => {
      const settle = (exit: Exit): void => {
        // Watchers are woken on 'close' only: between 'exit' and 'close' the last lines still arrive.
        this.#exit ??= exit;
        resolve(exit);
        if (event === 'close') this.#wake();
      };
      this.#process.once(event, (code: number | null, signal: NodeJS.Signals | null) =>
        settle({ code, signal }),
      );
      this.#process.once('error', (error) => {
        this.#output.stderr += error.message;
        this.lines.push(error.message);
        settle({ code: 127, signal: null });
      });
    });
  }
}

function start(argv: readonly string[], options: StartOptions): ChildProcess {
  const keep = options.keepLog !== undefined;
  const [file, ...rest] = keep ? argv : [...TIED_TO_PARENT, ...argv];
  if (file === undefined) throw new HavipError('USAGE', 'no command given');
  const log = keep ? openSync(options.keepLog as string, 'a', 0o600) : undefined;
  const stdin = options.stdin === true ? 'pipe' : 'ignore';
  const stdio: StdioOptions = log === undefined ? [stdin, 'pipe', 'pipe'] : ['ignore', log, log];
  try {
    // In a session of its own: a Ctrl-C is for us to carry out, and must not kill the `ip netns del` that does.
    return spawn(file, rest, {
      stdio,
      detached: true,
      env: { ...process.env, PATH: systemPath(), ...options.env },
    });
  } finally {
    if (log !== undefined) closeSync(log);
  }
}

/** npx puts node_modules/.bin first, where a package's `nft` hides the system's. */
function systemPath(): string {
  const folders = (process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin').split(':');
  return folders.filter((folder) => !folder.endsWith('node_modules/.bin')).join(':');
}

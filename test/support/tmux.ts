// SPDX-License-Identifier: BSD-2-Clause
// A real terminal for tests: tmux with one window and a shell, in a namespace of a lab, on a socket of its own.
import type { ExecutionContext } from 'ava';
import { placesOf, type Host } from './daemon.js';
import { eventually } from './lab.js';

export interface TmuxOptions {
  readonly columns?: number;
  readonly rows?: number;
  /** Put in front of the shell's PATH. */
  readonly path?: string;
  readonly shell?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const PROMPT = 'ready$ ';

export class Tmux {
  private constructor(
    private readonly lab: Host,
    private readonly socket: string,
  ) {}

  /** 80x24 unless told otherwise; gone when the test ends. */
  static async open(t: ExecutionContext, lab: Host, options: TmuxOptions = {}): Promise<Tmux> {
    const { columns = 80, rows = 24, shell = ['bash', '--norc', '--noprofile', '-i'], env = {} } = options;
    const tmux = new Tmux(lab, `${lab.tempDir}/tmux.sock`);
    const given = { PS1: PROMPT, LANG: 'C.UTF-8', ...(await placesOf(lab)), ...env };
    const size = ['-x', String(columns), '-y', String(rows)];
    const words = Object.entries(given).map(([name, value]) => `${name}=${value}`);
    await lab.must('hv', [
      ...['tmux', '-S', tmux.socket, '-f', '/dev/null', 'new-session', '-d', ...size, '-s', 'main'],
      ...['env', '-u', 'NO_COLOR', '-u', 'FORCE_COLOR', ...words, ...shell],
    ]);
    t.teardown(() => lab.exec('hv', ['tmux', '-S', tmux.socket, 'kill-server']));
    return tmux;
  }

  private do(...argv: string[]): Promise<string> {
    return this.lab.must('hv', ['tmux', '-S', this.socket, ...argv]);
  }

  /** A line to the shell. */
  async type(line: string): Promise<void> {
    await this.do('send-keys', '-t', 'main', '-l', line);
    await this.key('Enter');
  }

  /** By tmux's names: `Enter`, `Up`, `C-c`, `q`. */
  async key(...names: string[]): Promise<void> {
    await this.do('send-keys', '-t', 'main', ...names);
  }

  /** The screen, a line each, without trailing blanks. `styled`: with its escape sequences. */
  async screen(styled = false): Promise<string[]> {
    const text = await this.do('capture-pane', '-p', '-t', 'main', ...(styled ? ['-e'] : []));
    return text.replace(/\n$/, '').split('\n');
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.do('resize-window', '-t', 'main', '-x', String(columns), '-y', String(rows));
  }

  /** Of the terminal itself: `cursor_flag`, `alternate_on`, `pane_pid`, `pane_tty`. */
  async flag(name: string): Promise<string> {
    return (await this.do('display-message', '-p', '-t', 'main', `#{${name}}`)).trim();
  }

  /** Until the screen shows it. @returns that screen. */
  async shows(what: RegExp, timeoutMs = 10_000): Promise<string[]> {
    let screen: string[] = [];
    await eventually(
      `the screen shows ${what}`,
      async () => what.test((screen = await this.screen()).join('\n')),
      timeoutMs,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; it shows:\n${screen.join('\n')}`);
    });
    return screen;
  }

  /** What `stty -a` says of the terminal, asked from outside. */
  async modes(): Promise<string> {
    return this.lab.must('hv', ['stty', '-a', '-F', await this.flag('pane_tty')]);
  }
}

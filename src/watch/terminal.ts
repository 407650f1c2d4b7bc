// SPDX-License-Identifier: BSD-2-Clause
// The terminal: takes it over (alternate screen, no cursor, raw keys), draws what changed, and gives it back whatever
// happens. Knows nothing of HAVIPs.
import { writeSync } from 'node:fs';
import { emitKeypressEvents, type Interface } from 'node:readline';
import type { Key } from './update.js';
import type { Size } from './state.js';

/** Alternate screen, no cursor, no wrapping: a line that is wider than we think breaks no other. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[H\x1b[2J';
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[0m\x1b[?1049l';
/** Terminals that know it show the frame at once; the others ignore it. */
const SYNC = { begin: '\x1b[?2026h', end: '\x1b[?2026l' } as const;

/** A lone Esc, or the beginning of an arrow key? Over a slow line the rest takes its time. */
const ESCAPE_MS = 100;
/** An orphan is not stopped by SIGTSTP, and must have its screen back. */
const STOP_MS = 300;

const DEADLY = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
const FALLBACK: Size = { columns: 80, rows: 24 };

type Listener = Parameters<NodeJS.EventEmitter['on']>[1];

export interface TerminalEvents {
  readonly onKey: (key: Key) => void;
  /** Also after `fg`: everything is to be drawn anew. */
  readonly onResize: (size: Size) => void;
  /** Ctrl-C, or the terminal has gone. */
  readonly onQuit: () => void;
}

/** What is to be sent so that `before` becomes `after`, a screen line each. Pure. */
export function difference(before: readonly string[], after: readonly string[]): string {
  const changed = after.flatMap((text, at) =>
    text === before[at] ? [] : [`\x1b[${at + 1};1H\x1b[2K${text}`],
  );
  return changed.length ? SYNC.begin + changed.join('') + SYNC.end : '';
}

export class Terminal {
  private drawn: readonly string[] = [];
  private inside = false;
  private readonly cleanups: (() => void)[] = [];

  constructor(
    private readonly events: TerminalEvents,
    private readonly input = process.stdin,
    private readonly output = process.stdout,
  ) {}

  get size(): Size {
    const { columns, rows } = this.output;
    return columns > 0 && rows > 0 ? { columns, rows } : FALLBACK;
  }

  /** From here on until `close`, or the end of the process, the terminal is ours. */
  open(): void {
    emitKeypressEvents(this.input, { escapeCodeTimeout: ESCAPE_MS } as unknown as Interface);
    this.listen(this.input, 'keypress', (text?: string, key?: KeyPress) => this.onKeyPress(text, key));
    this.listen(this.input, 'end', () => this.events.onQuit());
    this.listen(this.output, 'resize', () => this.redraw());
    // The terminal has hung up: reads and writes fail, and there is nobody left to tell.
    this.listen(this.input, 'error', () => this.events.onQuit());
    this.listen(process, 'exit', () => this.leave());
    this.listen(process, 'uncaughtException', (error: Error) => this.fall(error));
    this.listen(process, 'unhandledRejection', (reason: unknown) => this.fall(reason));
    for (const signal of DEADLY) this.listen(process, signal, () => this.die(signal));
    this.listen(process, 'SIGCONT', () => this.enterAnew());
    this.listenForStop();
    this.enter();
    this.input.resume();
  }

  /** Harmless when closed. */
  close(): void {
    this.leave();
    for (const cleanup of this.cleanups.splice(0)) cleanup();
    this.input.pause();
  }

  /** @param lines As many as the screen has; what is as it was is not sent. */
  draw(lines: readonly string[]): void {
    if (!this.inside) return;
    const bytes = difference(this.drawn, lines);
    this.drawn = lines;
    if (bytes) this.output.write(bytes);
  }

  private listen(source: NodeJS.EventEmitter, name: string, listener: Listener): void {
    source.on(name, listener);
    this.cleanups.push(() => source.off(name, listener));
  }

  private onKeyPress(text: string | undefined, key: KeyPress | undefined): void {
    if (key?.ctrl && key.name === 'c') this.events.onQuit();
    else if (key?.ctrl && key.name === 'z') this.stop();
    else if (key?.ctrl && key.name === 'l') this.redraw();
    else this.events.onKey(keyOf(text, key));
  }

  private redraw(): void {
    this.drawn = [];
    this.events.onResize(this.size);
  }

  private enter(): void {
    if (this.inside) return;
    this.inside = true;
    this.input.setRawMode(true);
    this.send(ENTER);
    this.drawn = [];
  }

  /** By the shortest way: it has to work in an exit handler, and on a terminal that is no longer there. */
  private leave(): void {
    if (!this.inside) return;
    this.inside = false;
    this.send(LEAVE);
    try {
      this.input.setRawMode(false);
    } catch {
      // The terminal has gone, and its modes with it.
    }
  }

  private send(bytes: string): void {
    try {
      writeSync(this.output.fd, bytes);
    } catch {
      // As above; an EAGAIN of a terminal that takes nothing cannot be waited for here.
    }
  }

  /** As the kernel does it for Ctrl-Z: the whole job stops, the shell's `fg` brings it back. */
  private stop(): void {
    this.leave();
    process.removeAllListeners('SIGTSTP');
    process.kill(0, 'SIGTSTP');
    setTimeout(() => this.enterAnew(), STOP_MS);
  }

  private listenForStop(): void {
    process.on('SIGTSTP', () => this.stop());
    this.cleanups.push(() => process.removeAllListeners('SIGTSTP'));
  }

  /** Also after a SIGSTOP, which nobody is told of: the shell has had the terminal meanwhile. */
  private enterAnew(): void {
    this.leave();
    this.enter();
    if (process.listenerCount('SIGTSTP') === 0) this.listenForStop();
    this.redraw();
  }

  private die(signal: (typeof DEADLY)[number]): void {
    this.close();
    // Without our listener: the shell shall see what ended us.
    process.kill(process.pid, signal);
  }

  private fall(error: unknown): void {
    this.close();
    throw error;
  }
}

/** As node:readline tells it. */
interface KeyPress {
  readonly name?: string;
  readonly ctrl?: boolean;
  readonly meta?: boolean;
  readonly shift?: boolean;
}

/** Pure. Keys with a name that types nothing (`up`) and keys that are their text (`q`, `?`, `ö`). */
export function keyOf(text: string | undefined, key: KeyPress | undefined): Key {
  const typed = text !== undefined && !key?.ctrl && !key?.meta && !/[\x00-\x1f\x7f]/.test(text) ? text : '';
  const name = key?.name === 'return' ? 'enter' : key?.name;
  if (typed === ' ') return { name: 'space', text: ' ' };
  if (typed !== '') return { name: typed, text: typed };
  return { name: name ?? '', text: '' };
}

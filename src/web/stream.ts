// SPDX-License-Identifier: BSD-2-Clause
// The stream of states: opened, read, and opened again for ever. By fetch and not EventSource, which cannot tell why it
// was refused.
import type { PageParts, PartName } from '../observe/page/types.js';

export interface StreamHooks {
  part<Name extends PartName>(name: Name, value: PageParts[Name]): void;
  /** It is tried again. */
  lost(why: string): void;
}

const RETRY_MS = 1_000;
/** Of silence; a tick comes each interval. */
const PATIENCE_MS = 5_000;
const PATIENCE_INTERVALS = 4;

export class Stream {
  private current = new AbortController();
  private everyMs = 1_000;

  constructor(
    private readonly query: () => URLSearchParams,
    private readonly hooks: StreamHooks,
  ) {}

  /** With what is asked for now; ends the former one. */
  open(): void {
    this.current.abort();
    this.current = new AbortController();
    void this.run(this.current.signal);
  }

  private async run(ended: AbortSignal): Promise<void> {
    for (;;) {
      const why = await this.readOnce(ended).catch((thrown: unknown) => reasonOf(thrown));
      if (ended.aborted) return;
      this.hooks.lost(why);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  /** @returns Why it is over. */
  private async readOnce(ended: AbortSignal): Promise<string> {
    const silence = new Silence(Math.max(PATIENCE_MS, PATIENCE_INTERVALS * this.everyMs));
    try {
      const signal = AbortSignal.any([ended, silence.signal]);
      const response = await fetch(`/stream?${this.query()}`, { signal, cache: 'no-store' });
      if (!response.ok || !response.body) return (await response.text()).trim();
      let rest = '';
      for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
        silence.broken();
        const events = (rest + text).split('\n\n');
        rest = events.pop() ?? '';
        if (!ended.aborted) for (const event of events) this.take(event);
      }
      return 'the daemon ended the connection';
    } finally {
      silence.over();
    }
  }

  private take(event: string): void {
    const match = /^event: (\w+)\ndata: (.*)$/.exec(event);
    if (!match) return;
    const name = match[1] as PartName;
    const value = JSON.parse(match[2] ?? '') as PageParts[typeof name];
    if (name === 'tick') this.everyMs = (value as PageParts['tick']).everyMs;
    this.hooks.part(name, value);
  }
}

/** A daemon that was stopped, or a tunnel that hangs, closes nothing. */
class Silence {
  private readonly abort = new AbortController();
  private timer = 0;

  constructor(private readonly patienceMs: number) {
    this.broken();
  }

  get signal(): AbortSignal {
    return this.abort.signal;
  }

  broken(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.abort.abort(new Error('the daemon is silent')), this.patienceMs);
  }

  over(): void {
    clearTimeout(this.timer);
  }
}

/** Browsers say `Failed to fetch` or `network error` for whatever it was. */
const reasonOf = (thrown: unknown): string =>
  thrown instanceof Error && !(thrown instanceof TypeError) ? thrown.message : 'the daemon does not answer';

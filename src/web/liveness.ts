// SPDX-License-Identifier: BSD-2-Clause
// Whether what is shown is true now. When no state comes, the page goes grey and says how old it is.
import type { TickPart } from '../observe/page/types.js';
import { byId, setText } from './dom.js';
import { age, clock } from './format.js';

/** Intervals without a state before it counts as gone; one late state is no alarm. */
const LATE_INTERVALS = 3;

export class Liveness {
  private tick: TickPart | null = null;
  private tickedAt = 0;
  private why: string | null = null;
  private readonly lost = byId('lost');

  constructor() {
    setInterval(() => this.show(), 250);
  }

  /** The host's clock, which stands still while nothing comes: ages belong to what is shown. */
  nowMs(): number {
    if (!this.tick) return Date.now();
    return this.tick.nowMs + (this.alive() ? performance.now() - this.tickedAt : 0);
  }

  ticked(tick: TickPart): void {
    this.tick = tick;
    this.tickedAt = performance.now();
    this.why = null;
    this.showSkipped(tick.skipped);
    this.show();
  }

  gone(why: string): void {
    this.why = why;
    this.show();
  }

  private alive(): boolean {
    if (!this.tick || this.why !== null) return false;
    return performance.now() - this.tickedAt < LATE_INTERVALS * this.tick.everyMs + 500;
  }

  private show(): void {
    const alive = this.alive();
    const waits = !this.tick && this.why === null;
    document.body.dataset.live = waits ? 'wait' : alive ? 'yes' : 'no';
    setText(byId('live-text'), waits ? 'connecting' : alive ? 'live' : 'not live');
    this.lost.hidden = alive || waits;
    if (!this.lost.hidden) this.showLost();
  }

  private showLost(): void {
    setText(byId('lost-why'), `No state comes: ${this.why ?? 'the daemon is silent'}.`);
    setText(
      byId('lost-age'),
      this.tick ? this.ageText(this.tick) : 'Nothing has been seen yet. It is tried again each second.',
    );
  }

  private ageText({ nowMs }: TickPart): string {
    const old = age(performance.now() - this.tickedAt);
    return `What is shown is ${old} old, from ${clock(nowMs).slice(0, 8)} UTC. It comes back by itself.`;
  }

  private showSkipped(skipped: number): void {
    const notice = byId('skipped');
    if (skipped > 0) setText(notice, `This page reads too slowly: ${skipped} states were left out.`);
    notice.className = skipped > 0 ? 'notice warn' : '';
    if (skipped === 0) setText(notice, '');
  }
}

// SPDX-License-Identifier: BSD-2-Clause
// The redundant pair of a site: a real keepalived and an echo server in each guest, and what makes one of them give the
// address up.
import { setTimeout as sleep } from 'node:timers/promises';
import { pidsInside, signal } from '../lab/cleanup.js';
import { tool, type Lab } from '../lab/lab.js';
import type { Child } from '../lab/process.js';
import { VIP } from '../lab/topology.js';
import type { Cause } from './failover-story.js';

export type Guest = 'vm-a' | 'vm-b';
export const BETTER: Guest = 'vm-a';
export const STANDBY: Guest = 'vm-b';
export const PORT = 7000;

const VRID = 51;
const PRIORITY: Readonly<Record<Guest, number>> = { 'vm-a': 150, 'vm-b': 100 };
/** Three adverts and a skew of less than one, and what a busy machine adds. */
const electionMs = (advertIntervalS: number): number => 4000 * advertIntervalS + 5000;

export class Pair {
  private readonly keepalived = new Map<Guest, Child>();
  private readonly echo = new Map<Guest, Child>();

  private constructor(
    private readonly lab: Lab,
    private readonly advertIntervalS: number,
  ) {}

  /** Resolves when the better one is master and the other one stands by. */
  static async start(lab: Lab, advertIntervalS: number): Promise<Pair> {
    const pair = new Pair(lab, advertIntervalS);
    for (const guest of [BETTER, STANDBY]) await pair.serve(guest);
    await pair.elect(BETTER);
    await pair.awaitMaster(BETTER, 0);
    await (await pair.elect(STANDBY)).waitFor(/Entering BACKUP STATE/);
    return pair;
  }

  /** Where keepalived's log ends now. */
  logged(guest: Guest): number {
    return this.keepalived.get(guest)?.lines.length ?? 0;
  }

  /** @param from As of `logged`. */
  async awaitMaster(guest: Guest, from: number): Promise<void> {
    const timeoutMs = electionMs(this.advertIntervalS);
    await this.keepalived.get(guest)?.waitFor(/Entering MASTER STATE/, { from, timeoutMs });
  }

  /** Lets it happen to the better one. @param spared Processes in its namespace that belong to nobody's guest. */
  async strike(cause: Exclude<Cause, 'preempted'>, spared: readonly number[]): Promise<void> {
    if (cause === 'goodbye') this.keepalived.get(BETTER)?.kill('SIGTERM');
    if (cause === 'link-down') await this.lab.setPort(BETTER, 'down');
    if (cause === 'kill') await this.kill(spared);
  }

  /** Clears up what the dead one left behind, as its restart would. It is not back yet. */
  async clear(cause: Cause): Promise<void> {
    if (cause === 'link-down') return;
    await this.keepalived.get(BETTER)?.exited;
    await this.lab.exec(BETTER, ['ip', 'address', 'del', `${VIP}/32`, 'dev', 'eth0']);
    if (!this.echo.get(BETTER)?.running) await this.serve(BETTER);
  }

  /** The better one comes back, and will take the address. @returns where its log begins */
  async comeBack(cause: Cause): Promise<number> {
    const from = cause === 'link-down' ? this.logged(BETTER) : 0;
    if (cause === 'link-down') await this.lab.setPort(BETTER, 'up');
    else await this.elect(BETTER);
    return from;
  }

  private async elect(guest: Guest): Promise<Child> {
    const { advertIntervalS } = this;
    const child = await this.lab.keepalived(guest, {
      ...{ vrid: VRID, vip: VIP, advertIntervalS, priority: PRIORITY[guest] },
    });
    this.keepalived.set(guest, child);
    return child;
  }

  private async serve(guest: Guest): Promise<void> {
    const child = this.lab.spawn(guest, [tool('stream'), 'echo', '--port', String(PORT)]);
    await child.waitFor(/^ready$/);
    await promptly(this.lab, guest, child);
    this.echo.set(guest, child);
  }

  /** Stopped first: a parent that lived a moment longer would start its child again, or let it say goodbye. */
  private async kill(spared: readonly number[]): Promise<void> {
    const pids = (await pidsInside(this.lab.namespace(BETTER))).filter((pid) => !spared.includes(pid));
    for (const pid of pids) signal(pid, 'SIGSTOP');
    for (const pid of pids.reverse()) signal(pid, 'SIGKILL');
  }
}

/**
 * Real-time priority for what measures: two cores play all parts, and a sender that waited for one would be taken for a
 * slow network, an echo for a slow guest.
 */
export async function promptly(lab: Lab, ns: string, { pid }: Child): Promise<void> {
  await lab.must(ns, ['chrt', '-a', '-f', '-p', '1', String(pid)]);
}

/** Until adverts and answers have gone to and fro for a while. */
export const calm = (advertIntervalS: number): Promise<void> => sleep(Math.max(150, 1500 * advertIntervalS));

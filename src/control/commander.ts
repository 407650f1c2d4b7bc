// SPDX-License-Identifier: BSD-2-Clause
// The loader's orders to the programs: every store to a binding is made by one of them, under the HAVIP's lock, so that
// the loader and a CPU with a claim never write past each other.
import type { Binding } from '../holders/rules.js';
import { COMMAND_OP, Command, type Record as KernelRecord } from '../kernel/layout.gen.js';
import { displaceHavip, placeHavips } from '../kernel/steering.js';
import { testRun } from '../native/index.js';
import { holderRow, NOBODY } from './bindings.js';

type Order = Pick<Command, 'op' | 'havip'> & Partial<Command>;

const EMPTY = Command.decode(Buffer.alloc(Command.size));

export class Commander {
  /** @param programFd `havip_command`, loaded; the caller's to close. */
  constructor(private readonly programFd: number) {}

  /**
   * Nobody holds it any more, if it is held at `slot` (0: wherever). A claimant held back there goes too.
   * @returns the decision, or null where there was nothing to release.
   */
  release(havip: number, slot: number, nowNs: bigint): KernelRecord | null {
    const by = { ...NOBODY, port: slot };
    return this.carryOut({ op: COMMAND_OP.RELEASE, havip, by, tsNs: nowNs });
  }

  /** @param result CLAIM_RESULT: BIND, MOVE or MAC_CHANGE. @param seq Only while this is the last decision; 0: ever. */
  bind(
    havip: number,
    binding: Pick<Binding, 'holder' | 'sinceNs' | 'by'>,
    result: number,
    seq = 0,
  ): KernelRecord | null {
    const { holder, sinceNs, by: kind } = binding;
    const order = { by: holderRow(holder), tsNs: sinceNs, kind, result, seq };
    return this.carryOut({ op: COMMAND_OP.BIND, havip, ...order });
  }

  /** The claimant that the move budget holds back at `slot` (0: wherever) may not claim any more. */
  forget(havip: number, slot: number): KernelRecord | null {
    return this.carryOut({ op: COMMAND_OP.FORGET, havip, by: { ...NOBODY, port: slot } });
  }

  /** Nothing of the move budget is spent any more. Whoever is held back goes on waiting. */
  clear(havip: number): void {
    this.carryOut({ op: COMMAND_OP.CLEAR, havip });
  }

  /** Until then the holder's answers ring too. */
  ask(havip: number, untilNs: bigint): void {
    this.carryOut({ op: COMMAND_OP.ASK, havip, tsNs: untilNs });
  }

  /** The index passes to another HAVIP. */
  reset(havip: number): void {
    this.carryOut({ op: COMMAND_OP.RESET, havip });
  }

  /** Packets find these HAVIPs, and go by what `bindings` says of them. @returns since when, monotonic ns. */
  place(havips: Iterable<number>): bigint {
    return placeHavips(this.programFd, havips);
  }

  /** Packets do not find it any more. */
  displace(havip: number): void {
    displaceHavip(this.programFd, havip);
  }

  private carryOut(order: Order): KernelRecord | null {
    const { data } = testRun(this.programFd, Command.encode({ ...EMPTY, ...order }));
    const { done, record } = Command.decode(data);
    return done && record.seq ? record : null;
  }
}

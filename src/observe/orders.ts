// SPDX-License-Identifier: BSD-2-Clause
// What clients of the API ask the control thread to do: the orders and their answers by name, and the worker's list of
// those that are not answered yet.
import { HavipError, type ErrorCode } from '../errors.js';
import type { EipValue, HavipValue } from '../config/runtime.js';

/** One HAVIP. In an order, an empty network or subnet is any that has the address, if it is but one. */
export interface HavipName {
  readonly network: string;
  readonly subnet: string;
  readonly address: string;
}

export interface EipName {
  readonly network: string;
  readonly address: string;
}

export interface NewHavip {
  readonly network: string;
  readonly subnet: string;
  readonly havip: HavipValue;
}

export interface NewEip {
  readonly network: string;
  readonly eip: EipValue;
}

export interface Members {
  readonly havip: HavipName;
  /** null: every port of the subnet. */
  readonly members: readonly string[] | null;
}

export interface Cleared {
  readonly havip: HavipName;
  readonly wasFlapping: boolean;
  /** Somebody was held back, and holds it now. */
  readonly applied: boolean;
}

export interface Orders {
  /** Answered with the problems of the file; none: it is applied. */
  readonly reload: { readonly ask: null; readonly reply: readonly string[] };
  readonly addHavip: { readonly ask: NewHavip; readonly reply: HavipName };
  readonly removeHavip: { readonly ask: HavipName; readonly reply: HavipName };
  readonly setMembers: { readonly ask: Members; readonly reply: HavipName };
  readonly addEip: { readonly ask: NewEip; readonly reply: EipName };
  readonly removeEip: { readonly ask: EipName; readonly reply: EipName };
  readonly clearFlapping: { readonly ask: HavipName; readonly reply: Cleared };
}

export type OrderKind = keyof Orders;

/** Who carries them out. Errors: HavipError. */
export type OrderDesk = {
  readonly [K in OrderKind]: (ask: Orders[K]['ask']) => Promise<Orders[K]['reply']>;
};

/** An order on its way to the control thread. */
export interface Posted {
  readonly kind: OrderKind;
  readonly ask: Orders[OrderKind]['ask'];
}

/** How it ended, as plain data. */
export type Outcome =
  | { readonly reply: Orders[OrderKind]['reply'] }
  | { readonly code: ErrorCode; readonly message: string; readonly cure: string | undefined };

/** Each is checked and written to the disk before the next: more that wait would only time out. */
export const MAX_WAITING = 64;

interface Waiting {
  readonly resolve: (reply: Orders[OrderKind]['reply']) => void;
  readonly reject: (error: HavipError) => void;
}

export class OrderBook {
  private readonly waiting = new Map<number, Waiting>();
  private last = 0;

  constructor(private readonly send: (request: number, order: Posted) => void) {}

  /** Errors: EXHAUSTED where too many wait; else what the control thread says. */
  ask<K extends OrderKind>(kind: K, ask: Orders[K]['ask']): Promise<Orders[K]['reply']> {
    if (this.waiting.size >= MAX_WAITING) {
      const message = `${MAX_WAITING} changes wait already`;
      return Promise.reject(new HavipError('EXHAUSTED', message, { cure: 'try again in a moment' }));
    }
    const request = ++this.last;
    return new Promise<Orders[OrderKind]['reply']>((resolve, reject) => {
      this.waiting.set(request, { resolve, reject });
      this.send(request, { kind, ask });
    });
  }

  /** An answer that nobody waits for (a former worker asked) is nothing. */
  answer(request: number, outcome: Outcome): void {
    const waiting = this.waiting.get(request);
    this.waiting.delete(request);
    if (!waiting) return;
    if ('reply' in outcome) waiting.resolve(outcome.reply);
    else waiting.reject(new HavipError(outcome.code, outcome.message, { cure: outcome.cure }));
  }
}

/** Has the desk carry it out. Errors: none; they are outcomes. */
export async function carryOut(desk: OrderDesk | null, { kind, ask }: Posted): Promise<Outcome> {
  try {
    if (!desk) throw new HavipError('NOT_RUNNING', 'the daemon is still starting', { cure: 'try again' });
    // The kind says which shape `ask` has; TypeScript cannot follow that through the union.
    const act = desk[kind] as (ask: Posted['ask']) => Promise<Orders[OrderKind]['reply']>;
    return { reply: await act(ask) };
  } catch (thrown) {
    const { code, message, cure } = HavipError.from(thrown);
    return { code, message, cure };
  }
}

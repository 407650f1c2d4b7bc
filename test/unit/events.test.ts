// SPDX-License-Identifier: BSD-2-Clause
// The event log of the control thread: numbered without gaps, named in an operator's words, handed over in one go.
import test from 'ava';
import { EventLog } from '../../src/control/events.js';
import { WallClock } from '../../src/observe/clock.js';
import type { EventRecord } from '../../src/observe/messages.js';

const NAMES = { network: 'blue', subnet: 'web', address: '10.0.1.50' };
const A = { port: 1, mac: '02:00:00:00:00:0a' };
const B = { port: 2, mac: '02:00:00:00:00:0b' };

function log(): { events: EventLog; sent: EventRecord[][] } {
  const sent: EventRecord[][] = [];
  const source = {
    havip: (id: number) => (id === 7 ? NAMES : undefined),
    portName: (slot: number) => `tap${slot}`,
  };
  return { events: new EventLog(source, (records) => sent.push([...records])), sent };
}

const move = { kind: 'move', havip: 7, tsNs: 5n, from: A, to: B, reason: 'arp-reply' } as const;
const refusal = { havip: 7, by: A, reason: 'not-member', count: 3, tsNs: 6n };

test('a move names the HAVIP and both ports', (t) => {
  const { events, sent } = log();
  events.tellHolder(move, 40n);
  events.flush();
  t.like(sent[0]?.[0], {
    ...NAMES,
    kind: 'move',
    reason: 'arp-reply',
    from: { port: 'tap1', mac: A.mac },
    to: { port: 'tap2', mac: B.mac },
    count: 1,
    timeNs: 5n,
    repointNs: 40n,
    seq: 1,
  });
});

test('a refusal names the claimant in `to`, and how many', (t) => {
  const { events, sent } = log();
  events.tellRefusal(refusal);
  events.flush();
  const { kind, from, to, count, reason, timeNs, repointNs } = sent[0]?.[0] ?? ({} as EventRecord);
  t.deepEqual(
    { kind, from, to, count, reason, timeNs, repointNs },
    {
      kind: 'refuse',
      from: null,
      to: { port: 'tap1', mac: A.mac },
      count: 3,
      reason: 'not-member',
      timeNs: 6n,
      repointNs: null,
    },
  );
});

test('what is about a port or the daemon names no HAVIP', (t) => {
  const { events, sent } = log();
  events.tellPort('attach', 'tap9', 'tc');
  events.tellConfig('reloaded');
  events.tellLost(12);
  events.flush();
  const short = sent[0]?.map(({ kind, reason, count, address, to }) => [
    kind,
    reason,
    count,
    address,
    to?.port ?? null,
  ]);
  t.deepEqual(short, [
    ['attach', 'tc', 1, '', 'tap9'],
    ['config', 'reloaded', 1, '', null],
    ['lost', 'ring-full', 12, '', null],
  ]);
});

test('a HAVIP that has just been taken out has no names left', (t) => {
  const { events, sent } = log();
  events.tellHolder({ ...move, havip: 8 }, null);
  events.flush();
  t.deepEqual([sent[0]?.[0]?.network, sent[0]?.[0]?.address], ['', '']);
});

test('numbers start at 1 and have no gaps, across kinds and flushes', (t) => {
  const { events, sent } = log();
  events.tellHolder(move, null);
  events.tellRefusal(refusal);
  events.flush();
  events.tellLost(1);
  events.tellPort('detach', 'tap9', 'port-left');
  events.flush();
  t.deepEqual(
    sent.map((records) => records.map(({ seq }) => seq)),
    [
      [1, 2],
      [3, 4],
    ],
  );
});

test('a flush of nothing sends nothing, and nothing is sent before a flush', (t) => {
  const { events, sent } = log();
  events.flush();
  events.tellLost(1);
  t.deepEqual(sent, []);
  events.flush();
  events.flush();
  t.is(sent.length, 1);
});

test('the wall-clock time is that of the stamp, not of the telling', (t) => {
  const { events, sent } = log();
  const agoNs = 60_000_000_000n;
  const before = BigInt(Date.now()) * 1_000_000n - agoNs;
  events.tellHolder({ ...move, tsNs: process.hrtime.bigint() - agoNs }, null);
  events.flush();
  const told = sent[0]?.[0]?.wallNs ?? 0n;
  const offNs = told > before ? told - before : before - told;
  t.true(offNs < 1_000_000_000n, `${offNs} ns off`);
});

test('two stamps are as far apart on the wall clock as on the monotonic one', (t) => {
  const nowNs = process.hrtime.bigint();
  const apart = new WallClock().wallNs(nowNs + 5_000_000_000n) - new WallClock().wallNs(nowNs);
  t.true(apart > 4_990_000_000n && apart < 5_010_000_000n, String(apart));
});

test('numbers go on after those of an earlier daemon, and a cut history is told', (t) => {
  const sent: EventRecord[][] = [];
  const source = { havip: () => NAMES, portName: (slot: number) => `tap${slot}` };
  const events = new EventLog(source, (records) => sent.push([...records]), 41);
  events.tellHistoryCut();
  events.tellHolder(move, null);
  events.flush();
  t.deepEqual(
    sent[0]?.map(({ seq, kind, reason }) => [seq, kind, reason]),
    [
      [42, 'lost', 'history-cut'],
      [43, 'move', 'arp-reply'],
    ],
  );
});

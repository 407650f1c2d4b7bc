// SPDX-License-Identifier: BSD-2-Clause
// node cost-run.js PIN-PATH CASES-JSON: test runs of the programs that a daemon has attached to devices of this network
// namespace, and of what they are compared with. Each line on standard input, `CASE PROGRAM RUNS`, answers with the
// nanoseconds of one run.
import { createInterface } from 'node:readline';
import { attachedProgram } from '../kernel/attachments.js';
import { Table, U32 } from '../kernel/table.js';
import { BpfObject, ifNameToIndex, linkCreate, programInfo, testRun } from '../native/index.js';
import { HEAD_BYTES, HeadLayout, SPARE_DEVICES, type CostRun } from './cost-types.js';
import { COST_OBJECT } from './objects.js';

const [, , pinPath = '', casesJson = '[]'] = process.argv;
const runs = JSON.parse(casesJson) as CostRun[];
const object = new BpfObject(COST_OBJECT);
object.setMaxEntries('lines', Math.max(1, ...runs.map(({ spread = 0 }) => spread)));
object.load();
const heads = new Table(object.mapFd('heads'), U32, HeadLayout);
const next = {
  xdp: new Table(object.mapFd('next'), U32, U32),
  tc: new Table(object.mapFd('next_skb'), U32, U32),
};
const fixed = {
  xdp: {
    empty: object.programFd('empty'),
    bare: object.programFd('bare'),
    least: object.programFd('least'),
    anew: object.programFd('anew'),
  },
  tc: {
    empty: object.programFd('empty_skb'),
    bare: object.programFd('bare_peer'),
    anew: object.programFd('anew_skb'),
  },
};
new Table(object.mapFd('way'), U32, U32).set(0, 1);
// The kernel calls attached XDP programs directly (its "dispatcher"). One that is not it would patch in for the test run
// and out again after it, which takes longer than the runs.
for (const name of SPARE_DEVICES) linkCreate(fixed.xdp[name], ifNameToIndex(name), 'xdp');

const cases = runs.map(({ port, frame, ...rest }) => {
  const ifindex = ifNameToIndex(port);
  const attached = attachedProgram(pinPath, ifindex);
  if (!attached) throw new Error(`nothing is attached to ${port}`);
  const hook = attached.hook === 'xdp' ? ('xdp' as const) : ('tc' as const);
  return { ...rest, ifindex, hook, frame: Buffer.from(frame, 'hex'), own: attached.fd };
});

createInterface(process.stdin).on('line', (line) => {
  const [at = '', program = '', count = ''] = line.split(' ');
  const one = cases[Number(at)];
  if (!one) throw new Error(`no case ${at}`);
  const wanted = new Map(Object.entries({ ...fixed[one.hook], own: one.own })).get(program);
  if (wanted === undefined) throw new Error(`no program ${program}`);
  if (one.spread !== undefined) {
    heads.set(0, { bytes: one.frame.subarray(0, HEAD_BYTES), spread: one.spread });
    next[one.hook].set(0, wanted);
  }
  const fd = one.spread === undefined ? wanted : fixed[one.hook].anew;
  const options = { ifindex: one.ifindex, repeat: Number(count) };
  const began = process.hrtime.bigint();
  const { action } = testRun(fd, one.frame, options);
  // The kernel tells whole nanoseconds, of which a run takes few.
  const ns = Number(process.hrtime.bigint() - began) / Number(count);
  console.log(`took ${ns} action ${action}`);
});
const counted = cases.map(({ own }) => {
  const { name, verifiedInstructions, xlatedBytes, jitedBytes } = programInfo(own);
  return { name, verifiedInstructions, xlatedBytes, jitedBytes };
});
console.log(`ready ${JSON.stringify(counted)}`);

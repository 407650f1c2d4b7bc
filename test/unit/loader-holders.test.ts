// SPDX-License-Identifier: BSD-2-Clause
// What the loader decides is written before it is told, and told with the time at which packets began to go by it.
import test from 'ava';
import { Definitions } from '../../src/control/definitions.js';
import { LoaderHolders } from '../../src/control/loader-holders.js';
import { Refusals } from '../../src/control/refusals.js';
import { Registry } from '../../src/holders/registry.js';
import { CLAIM_KIND, CLAIM_RESULT } from '../../src/kernel/layout.gen.js';
import { CAPACITY, subnet } from './configs.js';
import { fakeTables } from './fake-maps.js';

const NOTHING = (): void => undefined;
const HOLDER = { port: 3, mac: '02:00:00:00:00:03' };
const ARRIVED_NS = 1_000n;
/** Long before this process would say so: it has been away in between. */
const PLACED_NS = 1_700n;

function world() {
  const maps = fakeTables(CAPACITY);
  const place = (): bigint => PLACED_NS;
  const definitions = new Definitions(maps, { reset: NOTHING, place: NOTHING, displace: NOTHING }, NOTHING);
  const [havip] = definitions.apply([subnet('web', ['10.0.1.50'])], new Set()).fresh;
  const registry = new Registry({ isUplink: () => false }, String);
  const told: [kind: string, writtenNs: bigint | undefined, repointNs: bigint | null, port: number][] = [];
  const holders = new LoaderHolders({
    ...{ tables: maps, commander: { place }, definitions, registry, refusals: new Refusals(maps.refusals) },
    counts: () => true,
    tell: ({ kind, writtenNs }, repointNs) => {
      const [row] = [...maps.bindings.entries()].map(([, binding]) => binding);
      told.push([kind, writtenNs, repointNs, row?.holder.port ?? 0]);
    },
    tellRefusal: NOTHING,
  });
  const id = havip?.id ?? -1;
  registry.define(id, { moves: 5, windowMs: 10_000 });
  const claim = { havip: id, by: HOLDER, kind: CLAIM_KIND.ARP_REQUEST, tsNs: ARRIVED_NS };
  return { holders, told, record: { claim, result: CLAIM_RESULT.CLAIM } };
}

test('a binding is in the map when it is told, since when the program says', (t) => {
  const { holders, told, record } = world();
  holders.take([record]);
  t.deepEqual(told, [['bind', PLACED_NS, PLACED_NS - ARRIVED_NS, HOLDER.port]]);
});

test('what rang while nobody listened has no time of its own', (t) => {
  const { holders, told, record } = world();
  holders.take([record], true);
  t.deepEqual(told, [['bind', PLACED_NS, null, HOLDER.port]]);
});

// SPDX-License-Identifier: BSD-2-Clause
// The rows that follow ports and bridges as they come and go: members, domains, the subnet of untagged frames.
import test from 'ava';
import type { SubnetConfig } from '../../src/config/types.js';
import { Definitions } from '../../src/control/definitions.js';
import { CAPACITY, havip, subnet } from './configs.js';
import { fakeTables } from './fake-maps.js';

const NOTHING = (): void => undefined;
const NO_ORDERS = { reset: NOTHING, place: NOTHING, displace: NOTHING };

test('member rows follow the ports that have the listed names', (t) => {
  const maps = fakeTables(CAPACITY);
  const definitions = new Definitions(maps, NO_ORDERS, NOTHING);
  definitions.apply([subnet('web', [havip('10.0.1.50', { members: ['a', 'b'] }), '10.0.1.51'])]);
  const members = (): string[] =>
    [...maps.members.entries()].map(([{ havip: id, port }]) => `${id}/${port}`).sort();
  const becomes = (ports: readonly (readonly [string, number])[], expected: readonly string[]) => {
    definitions.writeMembers(new Map(ports));
    t.deepEqual(members(), expected);
  };
  becomes([], []);
  becomes(
    [
      ['a', 1],
      ['c', 2],
    ],
    ['0/1'],
  );
  becomes(
    [
      ['a', 1],
      ['b', 3],
      ['c', 2],
    ],
    ['0/1', '0/3'],
  );
  becomes(
    [
      ['a', 4],
      ['b', 3],
    ],
    ['0/3', '0/4'],
  );
  becomes([['b', 3]], ['0/3']);
  t.deepEqual(
    definitions.closed().map(({ id }) => id),
    [0],
  );
});

test('member rows of an earlier run are kept where they are right, and taken out where not', (t) => {
  const maps = fakeTables(CAPACITY);
  const config = [subnet('web', [havip('10.0.1.50', { members: ['a', 'b'] })])];
  new Definitions(maps, NO_ORDERS, NOTHING).apply(config);
  maps.members.set({ havip: 0, port: 1 }, 1);
  maps.members.set({ havip: 0, port: 7 }, 1);
  const restarted = new Definitions(maps, NO_ORDERS, NOTHING);
  restarted.apply(config);
  restarted.writeMembers(new Map([['a', 1]]));
  t.deepEqual(
    [...maps.members.entries()].map(([{ port }]) => port),
    [1],
  );
});

test('domains are those of the tagged subnets whose bridge is here', (t) => {
  const maps = fakeTables(CAPACITY);
  const definitions = new Definitions(maps, NO_ORDERS, NOTHING);
  const tagged = (name: string, outer: number, inner = 0): SubnetConfig =>
    subnet(name, [], { vlan: { outer, inner } });
  const domains = (): string[] =>
    [...maps.domains.entries()]
      .map(([{ bridge, outer, inner }, { subnet: id }]) => `${bridge}/${outer}/${inner} ${id}`)
      .sort();
  definitions.apply([subnet('web', []), tagged('one', 100), tagged('two', 100, 7)]);
  definitions.subnets.writeDomains(new Map());
  t.deepEqual(domains(), []);
  definitions.subnets.writeDomains(new Map([['br0', 10]]));
  t.deepEqual(domains(), ['10/100/0 2', '10/100/7 3']);
  definitions.subnets.writeDomains(new Map([['br0', 11]]));
  t.deepEqual(domains(), ['11/100/0 2', '11/100/7 3'], 'the bridge was made anew');
  definitions.apply([subnet('web', []), tagged('two', 100)]);
  definitions.subnets.writeDomains(new Map([['br0', 11]]));
  t.deepEqual(domains(), ['11/100/0 3'], 'one has gone and two has its tag');
});

test('untagged frames of a bridge are of the subnet without tags', (t) => {
  const definitions = new Definitions(fakeTables(CAPACITY), NO_ORDERS, NOTHING);
  definitions.apply([
    subnet('one', [], { vlan: { outer: 5, inner: 0 } }),
    subnet('web', []),
    subnet('far', [], { bridge: 'br1', vlan: { outer: 5, inner: 0 } }),
  ]);
  t.deepEqual(
    ['br0', 'br1', 'br2'].map((bridge) => definitions.subnets.untagged(bridge).subnet),
    [2, 0, 0],
  );
});

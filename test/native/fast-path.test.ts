// SPDX-License-Identifier: BSD-2-Clause
// The object files of the fast path are one object: all parts go by the same maps, whoever made them.
import test from 'ava';
import { FastPath } from '../../src/kernel/fast-path.js';
import { RING_NAME, sizeMaps, TAIL_NAMES } from '../../src/kernel/maps.js';
import { closeFd, mapInfo, programInfo } from '../../src/native/index.js';

const CAPACITY = { havips: 8, ports: 16 };
const [XDP_TAILS, TC_TAILS] = TAIL_NAMES;

function mapId(object: FastPath, name: string): number {
  const fd = object.mapFd(name);
  const { id } = mapInfo(fd);
  closeFd(fd);
  return id;
}

function mapsOf(object: FastPath, program: string): readonly number[] {
  const fd = object.programFd(program);
  const { mapIds } = programInfo(fd);
  closeFd(fd);
  return mapIds;
}

for (const way of ['load', 'loadInBackground'] as const) {
  test.serial(`every program goes by the same maps (${way})`, async (t) => {
    const object = new FastPath();
    t.teardown(() => object.close());
    sizeMaps(object, CAPACITY);
    await object[way]();
    const steering = mapId(object, 'steering');
    for (const program of ['havip_command', 'havip_xdp', 'havip_ingress', 'havip_egress'])
      t.true(mapsOf(object, program).includes(steering), program);
    t.true(mapsOf(object, 'havip_xdp').includes(mapId(object, XDP_TAILS)));
    t.true(mapsOf(object, 'havip_egress').includes(mapId(object, TC_TAILS)));
  });
}

test.serial('a map that is handed over is everybody’s', (t) => {
  const [first, second] = [new FastPath([]), new FastPath(['xdp'])];
  t.teardown(() => [first, second].forEach((object) => object.close()));
  sizeMaps(first, CAPACITY);
  first.load();
  const given = first.mapFd('ports');
  t.teardown(() => closeFd(given));
  second.reuseMap('ports', given);
  sizeMaps(second, CAPACITY, new Set(['ports']));
  second.load();
  t.is(mapId(second, 'ports'), mapInfo(given).id);
  t.true(mapsOf(second, 'havip_xdp').includes(mapInfo(given).id));
  t.not(mapId(second, RING_NAME), mapId(first, RING_NAME));
});

test.serial('what was not asked for is not there', (t) => {
  const object = new FastPath(['xdp']);
  t.teardown(() => object.close());
  t.deepEqual(object.programs().sort(), ['havip_command', 'havip_xdp', 'havip_xdp_eip']);
  t.throws(() => object.programFd('havip_ingress'), { code: 'ENOENT' });
  t.throws(() => object.mapFd(TC_TAILS), { code: 'ENOENT' });
});

// SPDX-License-Identifier: BSD-2-Clause
// What found no room: on the ring, in the maps.
import { fail, ok, warn, type Verdict } from './finding.js';
import type { Sight } from './sight.js';

export function unrecorded({ maps }: Pick<Sight, 'maps'>): Verdict[] {
  if (maps === null) return [];
  const { ringFull, claimsFull } = maps.losses;
  const verdicts = [];
  if (ringFull > 0n) {
    const detail = `${ringFull} events were lost to a full ring since the load: holders were read from the maps, the history has gaps`;
    verdicts.push(
      warn('ring', detail, 'havip events | grep lost   # when; a daemon that was stopped, or short of CPU'),
    );
  }
  if (claimsFull > 0n) {
    const detail = `${claimsFull} claims found no room in their map since the load: rebind: loader may have missed a holder`;
    verdicts.push(
      warn('claims', detail, '# raise capacity.havips in the configuration, then: systemctl restart havip'),
    );
  }
  return verdicts.length ? verdicts : [ok('losses', 'none since the load')];
}

const NEARLY = 0.9;

export function mapFill({ maps }: Pick<Sight, 'maps'>): Verdict[] {
  if (maps === null) return [];
  const used = [...maps.targets.keys()].length;
  const slots = { map: 'ports (slots)', used, room: maps.targetSlots };
  const full = [...maps.fill, slots].filter(({ used: taken, room }) => taken >= NEARLY * room);
  if (full.length === 0) return [ok('room', 'no map is near full')];
  return full.map(({ map, used: taken, room }) => {
    const raise = map.startsWith('ports') ? 'capacity.ports' : 'capacity.havips';
    const cure = `# raise ${raise} in the configuration, then: systemctl restart havip`;
    const detail = `${map}: ${taken} of ${room} entries are taken`;
    return taken >= room ? fail('room', `${detail}: the next is refused`, cure) : warn('room', detail, cure);
  });
}

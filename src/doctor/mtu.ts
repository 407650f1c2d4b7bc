// SPDX-License-Identifier: BSD-2-Clause
// MTUs that differ: a frame that one port sends and another cannot take is dropped by whoever has it, without a word
// to the sender, since a bridge is no router.
import { some, ok, warn, word, type Verdict } from './finding.js';
import { bridgesOf, type ServedBridge } from './names.js';
import type { Sight } from './sight.js';

export function bridgeMtus({ network }: Pick<Sight, 'network'>): Verdict[] {
  return bridgesOf(network).flatMap((bridge) => [...amongPorts(bridge), ...againstBridge(bridge)]);
}

function amongPorts({ name, ports }: ServedBridge): Verdict[] {
  const largest = Math.max(0, ...ports.map(({ mtu }) => mtu));
  const small = ports.filter(({ mtu }) => mtu < largest);
  if (small.length === 0) return ports.length ? [ok(`MTU on ${name}`, `${largest} on every port`)] : [];
  const names = small.map((port) => `${port.name} ${port.mtu}`);
  const detail = `ports differ: ${some(names)}, others ${largest}: longer frames to a HAVIP there are dropped`;
  const cure = small.map((port) => `ip link set ${word(port.name)} mtu ${largest}`).join('; ');
  return [warn(`MTU on ${name}`, detail, `${cure}   # and in the guest`)];
}

function againstBridge({ name, device, ports }: ServedBridge): Verdict[] {
  if (ports.length === 0) return [];
  const { mtu } = device.link;
  const smallest = Math.min(...ports.map((port) => port.mtu));
  if (mtu === smallest) return [];
  const [what, cured] =
    mtu > smallest
      ? ['what the host sends may be too long for its ports', smallest]
      : ['the host can take and send only shorter frames than its guests', smallest];
  const detail = `the bridge itself has MTU ${mtu}, its smallest port ${smallest}: ${what}`;
  return [warn(`MTU of ${name}`, detail, `ip link set ${word(name)} mtu ${cured}`)];
}

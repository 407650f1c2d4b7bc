// SPDX-License-Identifier: BSD-2-Clause
// Ports: which hook each has, and whether it takes what the others redirect to it.
import type { WantedPort } from '../control/plan.js';
import { PORT_KIND, TARGET_FLAGS } from '../kernel/layout.gen.js';
import { XDP_FEATURE } from '../net/netdev.js';
import { fail, ok, warn, type Verdict } from './finding.js';
import type { Sight } from './sight.js';

export function portStates({ network }: Pick<Sight, 'network'>): Verdict[] {
  return [...network.plan.ports.values()].map(({ name, kind, hook, bridge, mtu, up }) => {
    const where = kind === PORT_KIND.GATEWAY ? 'as a gateway' : `on ${bridge.name}`;
    return ok(`port ${name}`, `${hook} ${where}, MTU ${mtu}${up ? '' : ', down'}`);
  });
}

/** What the operator asked for and the driver has not got. */
export function portHooks({ network }: Pick<Sight, 'network'>): Verdict[] {
  const native = XDP_FEATURE.BASIC | XDP_FEATURE.REDIRECT;
  return [...network.plan.ports.values()]
    .filter(({ hook, auto }) => hook === 'xdp' && !auto)
    .filter(({ ifindex }) => {
      const features = network.xdpFeatures(ifindex);
      return features !== undefined && (features & native) !== native;
    })
    .map(({ name }) => {
      const detail = '`hooks` says xdp and the driver has no native XDP: no program can be attached';
      return fail(
        `port ${name}`,
        detail,
        `# set hooks: { "${name}": tc } in the configuration, then: havip reload`,
      );
    });
}

/**
 * A veth takes what XDP redirects to it only while its peer has NAPI. We ask, and leave such frames to the bridge: slower,
 * and where a gateway is the sender, to the host's routing.
 */
export function portRedirects({ network }: Pick<Sight, 'network'>): Verdict[] {
  const ports = [...network.plan.ports.values()];
  const isDeaf = (port: WantedPort): boolean =>
    port.kind !== PORT_KIND.HOST && (port.flags & TARGET_FLAGS.XDP) === 0 && sentByXdp(port, ports);
  const deaf = ports.filter(isDeaf);
  if (deaf.length === 0) return [];
  return deaf.map(({ name }) => {
    const detail =
      'its peer has no NAPI: what comes in by XDP cannot be redirected to it and takes the slow way';
    return warn(`port ${name}`, detail, '# in the guest: ethtool -K eth0 gro on');
  });
}

/** Whether a port that redirects by XDP may have frames for this one: on its bridge, or coming in by a gateway. */
function sentByXdp(port: WantedPort, ports: readonly WantedPort[]): boolean {
  return ports.some(
    ({ hook, ifindex, bridge, kind }) =>
      hook === 'xdp' &&
      ifindex !== port.ifindex &&
      (kind === PORT_KIND.GATEWAY ||
        port.kind === PORT_KIND.GATEWAY ||
        bridge.ifindex === port.bridge.ifindex),
  );
}

// SPDX-License-Identifier: BSD-2-Clause
// The one list of checks, and how it is run: each gets what it needs to see, and is left out where that was not seen.
import { setTimeout as sleep } from 'node:timers/promises';
import { bridgeFilters, bridgePorts, bridgeStp, multicastFlood, snooping, vlanFiltering } from './bridges.js';
import { configInForce, configOnDisk, absentParts } from './configuration.js';
import { daemonAnswers, daemonLoaded, daemonProcess, daemonVersion } from './daemon.js';
import { daemonMaps, eipRows, heldPorts, policyRows, portRows, redirectRows, steeredRows } from './drift.js';
import { fail, warn, type Area, type Finding, type Verdict } from './finding.js';
import { gatewayForwarding, gatewayMtu, gatewayReturn, lookupsAllowed } from './gateways.js';
import { hostAddresses, hostAnswers } from './host.js';
import { kernelBtf, kernelFeatures, kernelJit, kernelPrograms, kernelTc, kernelVersion } from './kernel.js';
import { lookAround, valueOf, type DoctorOptions, type Look, type Looks } from './look.js';
import { mapFill, unrecorded } from './losses.js';
import { bridgeMtus } from './mtu.js';
import { offloads } from './offloads.js';
import { pinsBpffs, pinsFolder, pinsVersion } from './pins.js';
import { portHooks, portRedirects, portStates } from './ports.js';
import { callerMay, daemonMay } from './privileges.js';
import { otherPrograms, ourLinks, ourMaps, ourVersion, servedPorts } from './programs.js';
import type { ObjectSight, Sight } from './sight.js';

interface Check {
  readonly area: Area;
  readonly needs: readonly (keyof Sight)[];
  readonly run: (seen: Sight) => readonly Verdict[];
}

/** `run` gets what it needs, and nothing else. */
function check<K extends keyof Sight>(
  area: Area,
  needs: readonly K[],
  run: (seen: Pick<Sight, K>) => readonly Verdict[],
): Check {
  return { area, needs, run };
}

export const CHECKS: readonly Check[] = [
  check('kernel', ['kernel'], kernelVersion),
  check('kernel', ['kernel'], kernelBtf),
  check('kernel', ['kernel'], kernelFeatures),
  check('kernel', ['kernel'], kernelTc),
  check('kernel', ['kernel'], kernelJit),
  check('kernel', ['object'], kernelPrograms),
  check('privileges', ['caller', 'daemon'], callerMay),
  check('privileges', ['daemon'], daemonMay),
  check('pins', ['pins'], pinsBpffs),
  check('pins', ['pins', 'caller', 'daemon'], pinsFolder),
  check('pins', ['pins'], pinsVersion),
  check('daemon', ['pins', 'daemon'], daemonLoaded),
  check('daemon', ['daemon'], daemonProcess),
  check('daemon', ['pins', 'daemon'], daemonAnswers),
  check('daemon', ['daemon'], daemonVersion),
  check('configuration', ['daemon', 'config'], configInForce),
  check('configuration', ['config'], configOnDisk),
  check('configuration', ['network'], absentParts),
  check('programs', ['programs', 'network', 'daemon'], ourLinks),
  check('programs', ['programs', 'network', 'daemon'], servedPorts),
  check('programs', ['programs', 'network', 'maps'], ourMaps),
  check('programs', ['programs', 'network', 'object'], ourVersion),
  check('programs', ['programs', 'network'], otherPrograms),
  check('ports', ['network'], portStates),
  check('ports', ['network'], portHooks),
  check('ports', ['network'], portRedirects),
  check('ports', ['network'], bridgeMtus),
  check('ports', ['network'], offloads),
  check('bridges', ['network'], snooping),
  check('bridges', ['network'], multicastFlood),
  check('bridges', ['network'], bridgePorts),
  check('bridges', ['network'], bridgeStp),
  check('bridges', ['network'], vlanFiltering),
  check('bridges', ['network', 'sysctl'], bridgeFilters),
  check('host', ['network', 'maps', 'sysctl'], hostAddresses),
  check('host', ['network', 'sysctl'], hostAnswers),
  check('gateways', ['network', 'sysctl'], lookupsAllowed),
  check('gateways', ['network', 'sysctl'], gatewayForwarding),
  check('gateways', ['network', 'sysctl'], gatewayReturn),
  check('gateways', ['network'], gatewayMtu),
  check('maps', ['maps'], unrecorded),
  check('maps', ['maps'], mapFill),
  check('maps', ['maps', 'daemon'], daemonMaps),
  check('maps', ['maps', 'network', 'daemon'], portRows),
  check('maps', ['maps'], redirectRows),
  check('maps', ['maps'], heldPorts),
  check('maps', ['maps'], steeredRows),
  check('maps', ['maps', 'config', 'daemon'], policyRows),
  check('maps', ['maps', 'config', 'daemon'], eipRows),
];

/** A port on its way in or out is seen half done; what is still so after this long is no passing thing. */
const SECOND_LOOK_MS = 150;

/** Everything, in the order of the list. Changes nothing. @param object See lookAround. */
export async function examineHost(options: DoctorOptions, object: Promise<ObjectSight>): Promise<Finding[]> {
  const first = examine(await lookAround(options, object));
  if (!first.some(isPassing)) return first;
  await sleep(SECOND_LOOK_MS);
  return examine(await lookAround(options, object));
}

const isPassing = ({ area, state }: Finding): boolean =>
  state !== 'ok' && (area === 'maps' || area === 'programs');

export function examine(looks: Looks, checks: readonly Check[] = CHECKS): Finding[] {
  const found = checks.flatMap(({ area, needs, run }) => {
    if (needs.some((need) => 'error' in looks[need])) return [];
    return run(sightOf(looks, needs)).map((verdict) => ({ area, ...verdict }));
  });
  return [...found, ...unseen(looks)];
}

function sightOf(looks: Looks, needs: readonly (keyof Sight)[]): Sight {
  const values = needs.map((need) => [need, valueOf<unknown>(looks[need])]);
  return Object.fromEntries(values) as Sight;
}

/** What could not be looked at is a finding too. */
function unseen(looks: Looks): Finding[] {
  const entries = Object.entries(looks) as [string, Look<unknown>][];
  const failed = entries.flatMap(([name, look]) => ('error' in look ? [{ name, error: look.error }] : []));
  const forbidden = failed.filter(({ error }) => error.code === 'PERMISSION').map(({ name }) => name);
  const broken = failed.filter(({ error }) => error.code !== 'PERMISSION');
  return [
    ...(forbidden.length
      ? [warn('unseen', `may not look at: ${forbidden.join(', ')}`, 'sudo havip doctor')]
      : []),
    ...broken.map(({ name, error }) =>
      fail(`look at ${name}`, error.message, error.cure ?? '# see the message; is the host out of memory?'),
    ),
  ].map((verdict) => ({ area: 'privileges' as const, ...verdict }));
}

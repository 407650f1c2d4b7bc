// SPDX-License-Identifier: BSD-2-Clause
// An EIP at the gateway against the kernel's own way: nftables DNAT and SNAT with conntrack, and the host's routing.
// Two equal labs take turns.
import { writeFile } from 'node:fs/promises';
import type { Lab } from '../lab/lab.js';
import { VIP } from '../lab/topology.js';
import { ping, tcpBulk } from '../lab/traffic.js';
import { addOutside, EIP, OUTSIDE } from '../lab/outside.js';
import { ratioFigure, type Figure } from './figures.js';
import { HAVIP } from './host.js';
import { newLab } from './labs.js';
import { HOLDER_MAC, linkOf, openStream, send, shortest, SINK_XDP, type Site } from './packet-site.js';
import type { Context } from './suite.js';

const HOST = '10.0.1.2';
type Way = 'havip' | 'nftables';

interface Place {
  readonly lab: Lab;
  /** Where packets are counted; TCP goes on to the guest's stack. */
  readonly site: Site | null;
}

export async function benchEip({ quick, ...context }: Context): Promise<Figure[]> {
  const rounds = context.rounds(12, 3);
  const seconds = quick ? 1 : 3;
  const packets = quick ? 200_000 : 1_000_000;
  const rates = await compare(rounds, 'xdp', (place) => packetRate(place, packets));
  const bulk = await compare(rounds, 'tc', async ({ lab }) => {
    const pair = { server: 'vm-a', client: 'outside', address: EIP };
    return (await tcpBulk(lab, pair, { seconds })).bitsPerSecond;
  });
  return [
    { what: 'UDP of 64 bytes to an EIP', value: `${million(rates[0])} Mpps`, bar: '', samples: rates[0] },
    { what: '... by nftables', value: `${million(rates[1])} Mpps`, bar: '', samples: rates[1] },
    ratioFigure('UDP of 64 bytes to an EIP (XDP), against nftables DNAT', ...rates, '>= 2'),
    ratioFigure('TCP bulk to an EIP (tc), against nftables DNAT', ...bulk, '>= 1'),
  ];
}

const million = (samples: readonly number[]): string =>
  ((samples.toSorted((a, b) => a - b)[samples.length >> 1] ?? NaN) / 1e6).toFixed(2);

async function compare(
  rounds: number,
  hook: 'xdp' | 'tc',
  measure: (place: Place) => Promise<number>,
): Promise<[number[], number[]]> {
  const samples: [number[], number[]] = [[], []];
  const places: Place[] = [];
  try {
    for (const way of ['havip', 'nftables'] as const) places.push(await makePlace(way, hook));
    for (let round = 0; round < rounds; round++) {
      // Who goes first alternates too.
      for (const which of round % 2 ? ([1, 0] as const) : ([0, 1] as const))
        samples[which].push(await measure(places[which] as Place));
    }
    return samples;
  } finally {
    for (const { lab } of places) await lab.close();
  }
}

async function makePlace(way: Way, hook: 'xdp' | 'tc'): Promise<Place> {
  const lab = await newLab();
  try {
    await lab.addNamespace('hv');
    await lab.addBridge('hv', 'br-web', { addresses: [`${HOST}/24`] });
    await lab.addGuest('vm-a', {
      ...{ host: 'hv', bridge: 'br-web', mac: HOLDER_MAC },
      ...{ addresses: ['10.0.1.11/24'], gateway: HOST },
    });
    await lab.must('vm-a', ['ethtool', '-K', 'eth0', 'gro', 'on']);
    await addOutside(lab, 'hv');
    // Guests' own offloads; a NIC would have finished them, which XDP needs.
    if (hook === 'tc') await lab.must('outside', ['ethtool', '-K', 'eth0', 'tx', 'on']);
    await lab.must('vm-a', ['ip', 'address', 'add', `${VIP}/32`, 'dev', 'eth0']);
    await (way === 'havip' ? startHavip(lab, hook) : startNftables(lab));
    await lab.announce('vm-a', VIP);
    if ((await ping(lab, 'outside', EIP, 3)).received < 3) throw new Error(`${way}: the EIP does not answer`);
    return { lab, site: hook === 'xdp' ? await openEipStream(lab) : null };
  } catch (error) {
    await lab.close();
    throw error;
  }
}

async function openEipStream(lab: Lab): Promise<Site> {
  const from = { mac: lab.mac('outside'), address: OUTSIDE.router };
  const head = shortest(from, { mac: (await linkOf(lab, 'hv', 'ext0')).address, address: EIP });
  return openStream(lab, { source: 'outside', sink: SINK_XDP, head, spread: 1 });
}

async function startHavip(lab: Lab, hook: 'xdp' | 'tc'): Promise<void> {
  const subnet = {
    ...{ name: 'web', cidr: '10.0.1.0/24', bridge: 'br-web' },
    uplinks: [{ name: 'ext0', gateway: true }],
    hooks: { ext0: hook },
    havips: [{ address: VIP }],
  };
  const file = `${lab.tempDir}/havip.yaml`;
  const config = {
    pinPath: `${await lab.bpffs()}/havip`,
    api: { socket: `${lab.tempDir}/havip.sock` },
    metrics: { listen: '127.0.0.1:0' },
    networks: [{ name: 'bench', subnets: [subnet], eips: [{ address: EIP, havip: VIP }] }],
  };
  await writeFile(file, JSON.stringify(config));
  const child = lab.spawn('hv', [process.execPath, HAVIP, 'run', '--config', file]);
  await child.waitFor(/"msg":"loaded/, { timeoutMs: 60_000 });
}

async function startNftables(lab: Lab): Promise<void> {
  await lab.sysctl('hv', ['net.ipv4.ip_forward=1']);
  await lab.ip('hv', [`address add ${EIP}/32 dev ext0`]);
  const rules = `table ip nat {
    chain in { type nat hook prerouting priority dstnat; ip daddr ${EIP} dnat to ${VIP}; }
    chain out { type nat hook postrouting priority srcnat; ip saddr ${VIP} oifname ext0 snat to ${EIP}; }
  }`;
  await lab.must('hv', ['nft', '-f', '-'], { input: rules });
}

/** Packets a second that came to the guest's NIC; one that got lost counts as not sent. */
async function packetRate({ site }: Place, packets: number): Promise<number> {
  if (!site) return NaN;
  const { ns, sent, lost } = await send(site, 60, packets);
  return (1e9 / ns) * ((sent - lost) / sent);
}

// SPDX-License-Identifier: BSD-2-Clause
// A lab: network namespaces that play hypervisors, switches and guests, for the demo, the tests and the
// benchmarks. It never touches the namespace that it is started in. What to build is topology.ts's business.
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { HavipError } from '../errors.js';
import { namespacePath, pidsInside, signal } from './cleanup.js';
import { announcement, type AnnouncementForm } from './frames.js';
import { closeOnDeparture, holdSignals } from './guard.js';
import { keepalivedCommand, keepalivedConfig, type KeepalivedOptions } from './keepalived.js';
import * as links from './links.js';
import { Namespaces, type LabOptions } from './namespaces.js';
import { type Child } from './process.js';

interface Leg {
  readonly host: string;
  readonly port: string;
  readonly mac: string;
  /** The process that plays the cable of a tap; undefined for a veth, and in a lab that is kept. */
  readonly cable: Child | undefined;
}

export interface AnnounceOptions {
  /** Meaningless for IPv6. @default 'request' */
  form?: AnnouncementForm;
  /** The MAC that claims. @default the NIC's own */
  mac?: string;
  /** @default 'eth0' */
  device?: string;
}

export class Lab extends Namespaces {
  readonly #legs = new Map<string, Leg>();
  #serial = 0;

  /** An empty lab. Fails with PERMISSION when not root, and with FAILED when a lab of this prefix exists. */
  static async create(options: LabOptions): Promise<Lab> {
    const lab = new Lab(options);
    await lab.claim();
    return lab;
  }

  async addBridge(host: string, name: string, options: links.BridgeOptions = {}): Promise<void> {
    await this.ip(host, links.bridgeLines(host, name, options));
  }

  /** A namespace with one NIC, `eth0`, whose host-side port is on the bridge. */
  async addGuest(guest: string, options: links.LegOptions): Promise<void> {
    await this.addNamespace(guest);
    await this.addLeg(guest, 'eth0', options);
  }

  /** One more NIC for a guest that exists. */
  async addLeg(guest: string, device: string, options: links.LegOptions): Promise<void> {
    const suffix = device === 'eth0' ? '' : `-${device.replace('eth', '')}`;
    const port = links.checkDevice(options.port ?? `vnic-${guest}${suffix}`);
    const mac = options.mac ?? links.stableMac(`${guest}/${device}`);
    const veth = options.kind !== 'tap';
    if (veth) await this.ip(options.host, [links.vethLine(port, mac, device, this.namespace(guest))]);
    const cable = veth ? undefined : await this.#layCable(options.host, port, guest, device);
    this.#legs.set(`${guest}/${device}`, { host: options.host, port, mac, cable });
    await this.ip(guest, links.nicLines(device, mac, options));
    await this.ip(options.host, links.portLines(port, options.bridge, { mtu: options.mtu }));
    await this.#settled(options.host, port);
  }

  /** The process that makes both taps and copies between them; see tools/tap-cable.c. */
  async #layCable(host: string, port: string, guest: string, device: string): Promise<Child | undefined> {
    const path = namespacePath(this.namespace(guest));
    const argv = [tool('tap-cable'), port, path, links.checkDevice(device)];
    if (!this.kept) {
      const cable = this.spawn(host, argv);
      await cable.waitFor(/^ready$/);
      return cable;
    }
    this.spawn(host, [...argv, 'keep'], { keepAs: `cable-${port}` });
    await this.#appears(guest, device);
    return undefined;
  }

  async #appears(ns: string, device: string): Promise<void> {
    for (let attempt = 0; attempt < 200; attempt += 1) {
      if ((await this.exec(ns, ['ip', 'link', 'show', device])).code === 0) return;
    }
    throw new HavipError('FAILED', `${device} of ${ns} did not appear; see the logs in ${this.tempDir}`);
  }

  /**
   * An uplink: a veth pair whose far end plays the wire. A real NIC delivers finished checksums and segments,
   * so the far end owes none; and XDP redirects into the port arrive only while the far end has NAPI (GRO).
   */
  async addWire(options: links.WireOptions): Promise<void> {
    const { host, port, far, farDevice, bridge } = options;
    const farMac = options.farMac ?? links.stableMac(`${far}/${farDevice}`);
    const mac = options.mac ?? links.stableMac(`${host}/${port}`);
    await this.ip(host, [links.vethLine(port, farMac, farDevice, this.namespace(far))]);
    await this.must(far, ['ethtool', '-K', farDevice, 'tx', 'off', 'gro', 'on']);
    await this.must(host, ['ethtool', '-K', port, 'gro', 'on']);
    this.#legs.set(`${far}/${farDevice}`, { host, port, mac: farMac, cable: undefined });
    await this.ip(far, links.farLines(farMac, options));
    const near = bridge === undefined ? links.nicLines(port, mac, { addresses: [], ...options.near }) : null;
    await this.ip(host, near ?? links.portLines(port, bridge ?? '', { ...options, mac }));
    await this.#settled(host, port);
    await this.#settled(far, farDevice);
  }

  /**
   * Until a bridge forwards to the port. A veth whose two ends happen to have one interface index is told of
   * its carrier up to a second late (net/core/link_watch.c); that `ethtool` asks for it makes it known at once.
   */
  async #settled(ns: string, device: string): Promise<void> {
    for (let attempt = 0; attempt < 200; attempt += 1) {
      await this.must(ns, ['ethtool', device]);
      if (/state (UP|UNKNOWN)/.test(await this.must(ns, ['ip', '-o', 'link', 'show', device]))) return;
    }
    throw new HavipError('FAILED', `${device} of ${ns} did not come up`);
  }

  mac(guest: string, device = 'eth0'): string {
    return this.#leg(guest, device).mac;
  }

  /** The host-side name of a guest's NIC. */
  port(guest: string, device = 'eth0'): string {
    return this.#leg(guest, device).port;
  }

  /** What `guest` believes about `address`, for good: to play a sender with a stale cache. */
  async staticNeighbour(guest: string, address: string, mac: string, device = 'eth0'): Promise<void> {
    await this.ip(guest, [`neigh replace ${address} lladdr ${mac} dev ${device} nud permanent`]);
  }

  /** Forgets all neighbours, permanent ones included. */
  async clearNeighbours(guest: string, device = 'eth0'): Promise<void> {
    await this.ip(guest, [`neigh flush dev ${device} nud all`]);
  }

  /** The host's side of the guest's NIC. A veth guest sees its carrier go, a tap guest sees nothing. */
  async setPort(guest: string, state: 'up' | 'down', device = 'eth0'): Promise<void> {
    const { host, port } = this.#leg(guest, device);
    await this.ip(host, [`link set ${port} ${state}`]);
  }

  /**
   * The guest dies at once: its processes are killed without a goodbye, and its port is left up, set down, or
   * removed. Addresses stay configured, as they do when the failover software alone crashes.
   */
  async crash(guest: string, options: { port: 'up' | 'down' | 'gone' }, device = 'eth0'): Promise<void> {
    const { host, port, cable } = this.#leg(guest, device);
    if (options.port === 'down') await this.setPort(guest, 'down', device);
    if (options.port === 'gone') await (cable?.stop('SIGKILL') ?? this.ip(host, [`link del ${port}`]));
    await this.#killInside(guest);
  }

  /** Stopped first: a parent that lived a moment longer would start its child again, or let it say goodbye. */
  async #killInside(guest: string): Promise<void> {
    const cables = new Set([...this.#legs.values()].map((leg) => leg.cable?.pid));
    const pids = (await pidsInside(this.namespace(guest))).filter((pid) => !cables.has(pid));
    for (const pid of pids) signal(pid, 'SIGSTOP');
    for (const pid of pids.reverse()) signal(pid, 'SIGKILL');
  }

  /** One announcement from a guest's NIC: gratuitous ARP, or for IPv6 an unsolicited advertisement. */
  async announce(guest: string, address: string, options: AnnounceOptions = {}): Promise<void> {
    const device = options.device ?? 'eth0';
    const mac = options.mac ?? this.mac(guest, device);
    await this.sendFrames(guest, device, [announcement(address, mac, options.form ?? 'request')]);
  }

  /** Raw frames from a device, each `HEX [REPEAT [GAP-US]]`. For precise times use `openSender` of traffic.ts. */
  async sendFrames(ns: string, device: string, frames: readonly string[]): Promise<void> {
    await this.must(ns, [tool('frame-tool'), 'send', device], { input: `${frames.join('\n')}\n` });
  }

  /**
   * Debian's keepalived in a guest. Its log is in the child's `lines`, such as "Entering MASTER STATE".
   * @param options Text is the whole configuration.
   */
  async keepalived(guest: string, options: KeepalivedOptions | string): Promise<Child> {
    this.#serial += 1;
    const name = `keepalived-${guest}-${this.#serial}`;
    const folder = `${this.tempDir}/${name}`;
    await mkdir(folder, { mode: 0o700 });
    const text = typeof options === 'string' ? options : keepalivedConfig(guest, options);
    await writeFile(`${folder}/keepalived.conf`, text, { mode: 0o600 });
    const command = keepalivedCommand(`${folder}/keepalived.conf`, folder);
    return this.spawn(guest, command, this.kept ? { keepAs: name } : {});
  }

  #leg(guest: string, device: string): Leg {
    const leg = this.#legs.get(`${guest}/${device}`);
    if (leg === undefined) throw new HavipError('USAGE', `the lab has no NIC ${device} of "${guest}"`);
    return leg;
  }
}

/** The path of one of the lab's C tools; `make` builds them. */
export function tool(name: 'frame-tool' | 'race' | 'stream' | 'tap-cable' | 'witness'): string {
  return fileURLToPath(new URL(`../../lab/${name}`, import.meta.url));
}

/** Runs `body` in a new lab, and closes that when the body ends, fails, or a signal ends the process. */
export async function withLab<T>(options: LabOptions, body: (lab: Lab) => Promise<T>): Promise<T> {
  return guarded(options, async (lab) => {
    const result = await body(lab);
    await lab.close();
    return result;
  });
}

/** Like `withLab`, but a lab whose `body` ends well stays, until `Lab.remove`. */
export async function keepLab<T>(prefix: string, body: (lab: Lab) => Promise<T>): Promise<T> {
  return guarded({ prefix, kept: true }, body);
}

async function guarded<T>(options: LabOptions, body: (lab: Lab) => Promise<T>): Promise<T> {
  const release = holdSignals();
  const lab = await Lab.create(options).catch((error: unknown) => {
    release();
    throw error;
  });
  const undo = closeOnDeparture(lab);
  release();
  try {
    return await body(lab);
  } catch (error) {
    // After a signal the handler waits for the same end, was first, and leaves the process here.
    await lab.close();
    throw error;
  } finally {
    undo();
  }
}

// SPDX-License-Identifier: BSD-2-Clause
// The ground of a lab: its namespaces, the processes that run in them, its folder and its bpffs, and the end
// of them all. What the namespaces contain is added by lab.ts.
import { mkdir } from 'node:fs/promises';
import { HavipError } from '../errors.js';
import { isClean, labFolder, LAB_VARIABLE, leftovers, namespacePath, removeLab } from './cleanup.js';
import { BRIDGE_SYSCTLS, NAMESPACE_SYSCTLS } from './links.js';
import { Child, type Finished, type StartOptions } from './process.js';

export interface ExecOptions {
  /** Text for its standard input. */
  input?: string;
  /** Killed after this long; its code is then -1. @default 30000 */
  timeoutMs?: number;
  env?: Record<string, string>;
}

export interface SpawnOptions extends Pick<StartOptions, 'env' | 'stdin'> {
  /** Let it outlive this process, for a lab that is kept; output goes to NAME.log in the lab's folder. */
  keepAs?: string;
}

export interface LabOptions {
  /** Lower-case letters and digits; every namespace is called `PREFIX-NAME`. */
  prefix: string;
  /** The lab stays when this process ends, until `Lab.remove`. @default false */
  kept?: boolean;
}

export class Namespaces {
  readonly prefix: string;
  /** A folder of mode 0700, gone with the lab. */
  readonly tempDir: string;
  protected readonly kept: boolean;
  readonly #children = new Set<Child>();
  readonly #names = new Set<string>();
  #bpffs: Promise<string> | undefined;
  #closing: Promise<void> | undefined;

  protected constructor(options: LabOptions) {
    this.prefix = options.prefix;
    this.tempDir = labFolder(options.prefix);
    this.kept = options.kept === true;
  }

  /** Makes the folder, which is what says that this prefix is taken. */
  protected async claim(): Promise<void> {
    if (!/^[a-z][a-z0-9]{0,23}$/.test(this.prefix)) {
      throw new HavipError(
        'USAGE',
        `lab prefix "${this.prefix}": lower-case letters and digits, a letter first`,
      );
    }
    if (process.getuid?.() !== 0) {
      throw new HavipError('PERMISSION', 'a lab makes network namespaces', { cure: 'run it as root' });
    }
    if (!isClean(await leftovers(this.prefix))) throw exists(this.prefix);
    // Not recursive: it fails where another lab was faster, or where somebody planted a link.
    await mkdir(this.tempDir, { mode: 0o700 }).catch((cause: unknown) => {
      throw exists(this.prefix, cause);
    });
  }

  /** Takes away a lab that another process made, or did not live to close. */
  static async remove(prefix: string): Promise<void> {
    report(prefix, await removeLab(prefix));
  }

  /** Nothing more can be made or run in it. */
  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** Takes everything away, what a half-made lab has made included. Any number of calls do it once. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#children].map((child) => child.stop('SIGTERM', 1000)));
    report(this.prefix, await removeLab(this.prefix));
  }

  /** The name under /run/netns. */
  namespace(name: string): string {
    if (this.#names.has(name)) return `${this.prefix}-${name}`;
    const known = [...this.#names].join(', ');
    throw new HavipError('USAGE', `the lab has no namespace "${name}"; it has: ${known}`);
  }

  async addNamespace(name: string): Promise<void> {
    if (!/^[a-z0-9][a-z0-9-]*$/.test(name)) throw new HavipError('USAGE', `"${name}" is no namespace name`);
    if (this.#names.has(name)) throw new HavipError('USAGE', `namespace "${name}" exists already`);
    this.#names.add(name);
    await this.#must(this.#start(['ip', 'netns', 'add', this.namespace(name)]));
    await this.sysctl(name, [...NAMESPACE_SYSCTLS, ...BRIDGE_SYSCTLS]);
    await this.ip(name, ['link set lo up']);
  }

  /** Runs a command in a namespace to its end, with the host's file systems. A failure is in `code`. */
  async exec(ns: string, argv: readonly string[], options: ExecOptions = {}): Promise<Finished> {
    return this.#run(this.#inside(ns, argv, options), options);
  }

  /** Like `exec`, but a code other than 0 is an error. Returns its standard output. */
  async must(ns: string, argv: readonly string[], options: ExecOptions = {}): Promise<string> {
    return this.#must(this.#inside(ns, argv, options), options);
  }

  /** Starts a command in a namespace; it ends with the lab at the latest. */
  spawn(ns: string, argv: readonly string[], options: SpawnOptions = {}): Child {
    const { keepAs, ...rest } = options;
    const log = keepAs === undefined ? {} : { keepLog: `${this.tempDir}/${keepAs}.log` };
    return this.#start([...this.#enter(ns), ...argv], { ...rest, ...log });
  }

  /** Lines for `ip -batch` in a namespace, for instance `link set eth0 down`. */
  async ip(ns: string, lines: readonly string[]): Promise<void> {
    const batch = this.#start(['ip', '-n', this.namespace(ns), '-batch', '-'], { stdin: true });
    await this.#must(batch, { input: `${lines.join('\n')}\n` }, lines);
  }

  /** `key=value` settings of a namespace; keys that this kernel lacks are left out. */
  async sysctl(ns: string, settings: readonly string[]): Promise<void> {
    await this.must(ns, ['sysctl', '-qew', ...settings]);
  }

  /** A bpffs of this lab's own; mounted at the first call. */
  async bpffs(): Promise<string> {
    this.#bpffs ??= this.#mountBpffs();
    return this.#bpffs;
  }

  async #mountBpffs(): Promise<string> {
    const path = `${this.tempDir}/bpffs`;
    await mkdir(path, { mode: 0o700 });
    await this.#must(this.#start(['mount', '-t', 'bpf', '-o', 'mode=0700', 'bpf', path]));
    return path;
  }

  #inside(ns: string, argv: readonly string[], options: ExecOptions): Child {
    const env = options.env === undefined ? {} : { env: options.env };
    return this.#start([...this.#enter(ns), ...argv], { ...env, stdin: options.input !== undefined });
  }

  /** Not `ip netns exec`: that mounts a fresh /sys and hides the pins in bpffs. */
  #enter(ns: string): string[] {
    return ['nsenter', `--net=${namespacePath(this.namespace(ns))}`, '--'];
  }

  #start(argv: readonly string[], options: StartOptions = {}): Child {
    if (this.closed) throw new HavipError('FAILED', `the lab "${this.prefix}" is closed`);
    const child = new Child(argv, { ...options, env: { ...options.env, [LAB_VARIABLE]: this.prefix } });
    this.#children.add(child);
    void child.closed.then(() => this.#children.delete(child));
    return child;
  }

  async #run(child: Child, options: ExecOptions = {}): Promise<Finished> {
    if (options.input !== undefined) child.end(options.input);
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 30_000);
    try {
      return await child.finished();
    } finally {
      clearTimeout(timer);
    }
  }

  async #must(child: Child, options: ExecOptions = {}, batch: readonly string[] = []): Promise<string> {
    const { code, stdout, stderr } = await this.#run(child, options);
    if (code === 0) return stdout;
    const what = [child.argv.join(' '), ...batch].join('\n  ');
    throw new HavipError('FAILED', `lab "${this.prefix}": ended with ${code}: ${stderr.trim()}\n  ${what}`);
  }
}

function exists(prefix: string, cause?: unknown): HavipError {
  return new HavipError('FAILED', `a lab "${prefix}" exists already (${labFolder(prefix)})`, {
    cure: 'take it away with `havip lab down`',
    cause,
  });
}

function report(prefix: string, left: Awaited<ReturnType<typeof leftovers>>): void {
  if (isClean(left)) return;
  throw new HavipError('FAILED', `lab "${prefix}" is not wholly gone: ${JSON.stringify(left)}`);
}

/** `xl list`, xenstore, libxl's JSON, `ip link` and `ps` → the domains of one dom0. */
import { digestBytes } from '../../../core/digest.ts';
import { sortedBy } from '../../../core/order.ts';
import type { CfgRecord, Domain } from '../../../kinds/vm/live.ts';
import type { Settings, VmConfig, VmType } from '../../../kinds/vm/spec.ts';
import { disksOf, nicsOf, toNumber } from './devices.ts';
import type { Links } from './ip-link.ts';
import { parseStored, type StoredConfig } from './libxl-json.ts';
import { Odd } from '../cfg/values.ts';
import type { Monitors } from './monitors.ts';
import type { ListRow } from './xl-info.ts';
import type { Xenstore } from './xenstore.ts';
import { table } from '../../../core/table.ts';

export interface Sources {
  readonly rows: readonly ListRow[];
  readonly xs: Xenstore;
  /** `/var/lib/xen/userdata-d.…`, by file name. */
  readonly userdata: ReadonlyMap<string, Uint8Array>;
  readonly records: readonly CfgRecord[];
  /** Null: not read. */
  readonly links: Links | null;
  readonly monitors: Monitors | null;
  /** `PID COMMAND…`, a line each; null: not read. */
  readonly processes: string | null;
  /** How the hypervisor runs them, by domid (`parseRunning`). */
  readonly running: ReadonlyMap<number, Settings>;
}

const types: Readonly<Record<string, VmType>> = table({ pv: 'pv', pvh: 'pvh', hvm: 'hvm' });

/** Whether an xl daemon watches the domain; undefined where that cannot be told. */
const isMonitored = (row: ListRow, name: string, s: Sources): boolean | undefined => {
  if (s.monitors === null) return undefined;
  const { paths, strays } = s.monitors;
  const own = s.records.filter(
    (r) => (r.config?.uuid ?? null) === row.uuid || (r.config?.uuid === null && r.config.name === name),
  );
  if (own.some((r) => paths.includes(r.path))) return true;
  const elsewhere = paths.some((p) => !s.records.some((r) => r.path === p));
  return strays > 0 || elsewhere ? undefined : false;
};

/** Whether a QEMU serves it. One that dies takes neither the domain nor its keys in xenstore along. */
const isServed = (domid: number, type: VmType, { xs, processes }: Sources): boolean => {
  const pid = xs.get(`/local/domain/${domid}/image/device-model-pid`);
  if (pid !== undefined && processes !== null) return new RegExp(`^\\s*${toNumber(pid)} `, 'm').test(processes);
  return type === 'hvm' || xs.get(`/local/domain/0/device-model/${domid}`) !== undefined;
};

/** A reboot is as good as running where somebody carries it out. */
const stateOf = (row: ListRow, monitored: boolean | undefined): Domain['state'] => {
  if (row.state !== 'rebooting') return row.state;
  return monitored === false ? 'shutdown' : 'running';
};

/** How many vCPUs it was told to run; undefined where nobody told it. */
const askedOf = (domid: number, xs: Xenstore): number | undefined => {
  const cpus = `/local/domain/${domid}/cpu`;
  const asked = xs.list(cpus).filter((n) => xs.get(`${cpus}/${n}/availability`) === 'online').length;
  return asked === 0 ? undefined : asked;
};

const cfgOf = (row: ListRow, s: Sources): VmConfig | undefined =>
  s.records.find((r) => r.config?.uuid === row.uuid)?.config;

/** As the hypervisor runs it; what was not told is as libxl's record has it, else as the cfg has it. */
const settingsOf = (row: ListRow, stored: StoredConfig | null, s: Sources): Settings => {
  const base = stored?.settings ?? cfgOf(row, s)?.settings ?? {};
  return { ...base, ...(row.pool === null ? {} : { cpupool: row.pool }), ...s.running.get(row.domid) };
};

/** HVM that begins with less than its maximum (populate on demand) is told 1 MiB less than its cfg says, until somebody sets it [L]. */
const told = (goal: number, type: VmType, stored: StoredConfig | null): number => {
  const { target, max } = { target: stored?.target ?? null, max: stored?.maxMemory ?? null };
  const begun = type === 'hvm' && target !== null && max !== null && target < max && goal === target - 1024;
  return begun ? target : goal;
};

/** What a guest's drivers say of themselves, on a path that it may write; an empty value is libxl's own, not answered yet. */
const saysOf = (xs: Xenstore, domid: number, ...features: readonly string[]): boolean | undefined => {
  const said = new Set(features.map((f) => xs.get(`/local/domain/${domid}/control/feature-${f}`)));
  if (said.has('1')) return true;
  return said.has('0') ? false : undefined;
};

/** Listed, but not in xenstore or not whole: not there yet, or hardly there any more. Neither up nor gone. */
const betweenLives = (row: ListRow, s: Sources): Domain => ({
  domid: row.domid,
  uuid: row.uuid,
  name: row.name ?? '(null)',
  type: cfgOf(row, s)?.type ?? 'pvh',
  state: 'dying',
  vcpus: { online: row.vcpus, max: row.vcpus },
  memory: { target: row.memory, actual: row.memory, max: row.memory },
  boot: { kernel: null, ramdisk: null, cmdline: null },
  settings: {},
  disks: [],
  cdroms: table(),
  nics: [],
  monitored: undefined,
  qemu: cfgOf(row, s)?.type === 'hvm',
  balloon: undefined,
  pvDrivers: undefined,
  pendingUpdate: null,
});

const storedOf = (domid: number, json: Uint8Array): StoredConfig | null => {
  try {
    return parseStored(json);
  } catch (e) {
    throw e instanceof Odd ? new Odd(`libxl's record of domain ${domid}: ${e.why}`) : e;
  }
};

/** Without Domain-0, by domid. Throws `Odd` for a record that libxl would not write. `problems`: what was read only in part, in words. */
export const domainsOf = (
  s: Sources,
): { readonly domains: readonly Domain[]; readonly problems: readonly string[] } => {
  const problems: string[] = [];
  const domains: Domain[] = [];
  for (const row of s.rows) {
    if (row.domid === 0) continue;
    const at = `/local/domain/${row.domid}`;
    const xsName = s.xs.get(`${at}/name`);
    const kind = types[s.xs.get(`/libxl/${row.domid}/type`) ?? ''];
    const userdata = `userdata-d.${row.domid}.${row.uuid}`;
    const json = s.userdata.get(`${userdata}.libxl-json`);
    const stored = json === undefined ? null : storedOf(row.domid, json);
    const type = stored?.type ?? kind;
    // libxl keeps the configuration last of all, before it lets the domain run: until then it is still being built.
    // It takes it away first of all when it clears a domain that has ended.
    const passing = json === undefined && row.state !== 'running';
    if (xsName === undefined || type === undefined || passing) {
      problems.push(`domain ${row.domid} (${row.name ?? row.uuid}) is there only in part: it is just coming or going`);
      domains.push(betweenLives(row, s));
      continue;
    }
    if (stored === null) problems.push(`domain ${row.domid} (${xsName}): libxl has no readable configuration of it`);
    const name = row.name ?? xsName;
    const monitored = isMonitored(row, name, s);
    const memory = (key: string): number | null => toNumber(s.xs.get(`${at}/memory/${key}`));
    const target = memory('target');
    const pending = s.userdata.get(`${userdata}.xl`);
    const asked = askedOf(row.domid, s.xs);
    const lost = stored?.lost ?? ['whatever it was started with: libxl has no record of it'];
    domains.push({
      domid: row.domid,
      uuid: row.uuid,
      name,
      type,
      state: stateOf(row, monitored),
      ...(row.suspended ? { suspended: true as const } : {}),
      ...(stored === null || row.state === 'rebooting' ? { unsettled: true as const } : {}),
      vcpus: {
        online: row.vcpus,
        max: stored?.maxVcpus ?? Math.max(row.vcpus, s.xs.list(`${at}/cpu`).length),
      },
      ...(asked === undefined || asked === row.vcpus ? {} : { vcpusAsked: asked }),
      memory: {
        // The balloon's goal leaves out the video RAM that the cfg's figure holds.
        target: target === null ? row.memory : told(target + (memory('videoram') ?? 0), type, stored),
        actual: row.memory,
        max: memory('static-max') ?? stored?.maxMemory ?? row.memory,
      },
      boot: stored?.boot ?? cfgOf(row, s)?.boot ?? { kernel: null, ramdisk: null, cmdline: null },
      settings: settingsOf(row, stored, s),
      ...disksOf(s.xs, row.domid, stored),
      nics: nicsOf(s.xs, row.domid, stored, s.links),
      monitored,
      qemu: isServed(row.domid, type, s),
      balloon: saysOf(s.xs, row.domid, 'balloon'),
      pvDrivers: saysOf(s.xs, row.domid, 'poweroff', 'reboot', 'suspend'),
      ...(lost.length === 0 ? {} : { lost }),
      pendingUpdate: pending === undefined ? null : digestBytes(pending),
    });
  }
  return { domains: sortedBy(domains, (d) => String(d.domid).padStart(10, '0')), problems };
};

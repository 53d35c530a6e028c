/** What `xl info` and `xl list -v -c` print. */
import { parseFeatures } from './cpu-features.ts';

export interface XlInfo {
  readonly host: string;
  readonly major: number;
  readonly minor: number;
  readonly version: string;
  readonly virtCaps: readonly string[];
  /** What guests may see of the CPU; undefined: not told. */
  readonly features: readonly string[] | undefined;
  readonly cpus: number;
  /** KiB; claims are taken off `free` already. */
  readonly total: number;
  readonly free: number;
  /** Xen's own command line. */
  readonly commandLine: string;
  readonly scheduler: string;
}

/** Null where it lacks what must be there. */
export const parseInfo = (text: string): XlInfo | null => {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const m = /^([a-z_]+) *: ?(.*)$/.exec(line);
    if (m?.[1] !== undefined && m[2] !== undefined) values.set(m[1], m[2].trim());
  }
  const number = (key: string): number => Number(values.get(key) ?? NaN);
  const words = (key: string): readonly string[] => (values.get(key) ?? '').split(/\s+/).filter((w) => w !== '');
  const xen = { major: number('xen_major'), minor: number('xen_minor') };
  const info = {
    host: values.get('host') ?? '',
    ...xen,
    version: values.get('xen_version') ?? `${values.get('xen_major')}.${values.get('xen_minor')}`,
    virtCaps: words('virt_caps'),
    features: parseFeatures(values.get('hw_caps'), xen),
    cpus: number('nr_cpus'),
    total: number('total_memory') * 1024,
    free: number('free_memory') * 1024,
    commandLine: values.get('xen_commandline') ?? '',
    scheduler: values.get('xen_scheduler') ?? '',
  };
  const whole = [info.major, info.minor, info.cpus, info.total, info.free].every(Number.isInteger);
  return whole ? info : null;
};

export interface ListRow {
  /** Null for a domain that has none (any more). */
  readonly name: string | null;
  readonly domid: number;
  /** KiB, in whole MiB. */
  readonly memory: number;
  readonly vcpus: number;
  readonly uuid: string;
  readonly state: 'running' | 'paused' | 'shutdown' | 'rebooting' | 'crashed' | 'dying';
  /** Its memory is being saved or sent; as good as running while somebody does that. */
  readonly suspended?: true;
  /** Its cpupool; null where it was not told. */
  readonly pool: string | null;
}

/**
 * Six places: r b p, s (shut down), why (`-` poweroff, r reboot, s suspend, c crash, w watchdog, S soft reset), d (dying).
 * Suspended is on its way (a save, a migration): as good as running.
 */
const stateOf = (flags: string): ListRow['state'] => {
  if (flags[5] === 'd') return 'dying';
  if (flags[3] === 's') {
    if (flags[4] === 'c' || flags[4] === 'w') return 'crashed';
    if (flags[4] === 'r' || flags[4] === 'S') return 'rebooting';
    if (flags[4] !== 's') return 'shutdown';
  }
  return flags[2] === 'p' ? 'paused' : 'running';
};

const row =
  /^(.*\S)\s+(\d+)\s+(\d+)\s+(\d+)\s+([-a-zA-Z?]{6})\s+[\d.]+\s+([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\s+\S+(?:\s+(\S.*))?)?$/;

/** Behind the security label, which is `-` where there is none; a name of 16 letters or more follows it without a blank. */
const poolOf = (rest: string | undefined): string | null => /^(?:-|\S+\s)\s*(\S.*?)\s*$/.exec(rest ?? '')?.[1] ?? null;

/** Rows are read from the right, since names are unbounded and may hold anything. `odd`: lines that are none. */
export const parseList = (text: string): { readonly rows: readonly ListRow[]; readonly odd: readonly string[] } => {
  const rows: ListRow[] = [];
  const odd: string[] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '' || /^Name +ID /.test(line)) continue;
    const m = row.exec(line);
    if (!m) {
      odd.push(line);
      continue;
    }
    rows.push({
      name: m[1] === '(null)' ? null : (m[1] ?? null),
      domid: Number(m[2]),
      memory: Number(m[3]) * 1024,
      vcpus: Number(m[4]),
      uuid: m[6] ?? '',
      state: stateOf(m[5] ?? ''),
      ...(/^...ss-$/.test(m[5] ?? '') ? { suspended: true as const } : {}),
      pool: poolOf(m[7]),
    });
  }
  return { rows, odd };
};

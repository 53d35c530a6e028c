/** Builds raw answers as the observe text prints them, and small tar archives. */

export const nonce = '00112233445566ff';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

export const join = (...parts: readonly (string | Uint8Array)[]): Uint8Array =>
  Buffer.concat(parts.map((p) => (typeof p === 'string' ? bytes(p) : p)));

export const section = (name: string, rc: number, body: string | Uint8Array): Uint8Array =>
  join(`\n@${nonce} ${name}\n`, body, `\n@${nonce} /${name} ${rc}\n`);

export const end = `\n@${nonce} END\n`;

const block = (name: string, kind: string, size: number, target = ''): Uint8Array => {
  const b = Buffer.alloc(512);
  b.write(name.slice(0, 100), 0, 'latin1');
  b.write(size.toString(8).padStart(11, '0'), 124);
  b.write('        ', 148);
  b.write(kind, 156);
  b.write(target.slice(0, 100), 157);
  b.write('ustar  \0', 257, 'latin1');
  const sum = b.reduce((n, x) => n + x, 0);
  b.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return b;
};

const padded = (body: Uint8Array): Uint8Array => Buffer.concat([body, Buffer.alloc((512 - (body.length % 512)) % 512)]);

const long = (kind: 'L' | 'K', text: string): readonly Uint8Array[] => {
  const body = bytes(`${text}\0`);
  return [block('././@LongLink', kind, body.length), padded(body)];
};

export type Member = { readonly name: string; readonly body?: string | Uint8Array; readonly link?: string };

export const tar = (members: readonly Member[]): Uint8Array =>
  Buffer.concat([
    ...members.flatMap(({ name, body = '', link }) => {
      const content = typeof body === 'string' ? bytes(body) : body;
      const names = name.length > 100 ? long('L', name) : [];
      if (link !== undefined)
        return [...names, ...(link.length > 100 ? long('K', link) : []), block(name, '2', 0, link)];
      return [...names, block(name, '0', content.length), padded(content)];
    }),
    Buffer.alloc(1024),
  ]);

export const info = `host                   : dom9
nr_cpus                : 4
virt_caps              : pv hvm hap
total_memory           : 8191
free_memory            : 4096
numa_info              :
node:    memsize    memfree    distances
xen_major              : 4
xen_minor              : 17
xen_version            : 4.17.7
xen_scheduler          : credit2
xen_commandline        : placeholder
`;

export const listHead =
  'Name                                        ID   Mem VCPUs\tState\tTime(s)   UUID                            Reason-Code\tSecurity Label\n';

export const row = (name: string, domid: number, state: string, uuid: string, mem = 128, vcpus = 1): string =>
  `${name.padEnd(40)} ${String(domid).padStart(5)} ${String(mem).padStart(5)} ${String(vcpus).padStart(5)}     ${state}  ${'1.5'.padStart(8)} ${uuid}        -                -\n`;

export const dom0 = row('Domain-0', 0, 'r-----', '00000000-0000-0000-0000-000000000000', 768);

export interface Parts {
  readonly info?: string;
  readonly list?: string;
  readonly xs?: string;
  readonly files?: readonly Member[];
  readonly link?: string;
  readonly ps?: string;
  readonly ovs?: string;
  readonly paths?: string;
  readonly vcpus?: string;
  readonly sched?: string;
  readonly qemu?: string;
  readonly vgs?: string;
  readonly lvs?: string;
}

/** What is mounted on any dom0. */
const root = '/dev/sda1 / ext4 rw 0 0\n';

/** A whole answer; what is not given is as on an empty dom0. */
export const answer = (p: Parts): Uint8Array =>
  join(
    section('host', 0, 'dom9\nboot-1\n'),
    section('xl-info', 0, p.info ?? info),
    section('xl-list', 0, `${listHead}${dom0}${p.list ?? ''}`),
    section('xl-vcpus', p.vcpus === undefined ? 1 : 0, p.vcpus ?? 'libxl: error\n'),
    section('xl-sched', p.sched === undefined ? 1 : 0, p.sched ?? 'libxl: error\n'),
    section('xl-credit', 0, ''),
    section('xs', 0, p.xs ?? '/local/domain/0/memory/target = "786432"\n'),
    section('files', 2, tar(p.files ?? [])),
    section('link', 0, p.link ?? '[{"ifname":"lo"},{},{"ifname":"br0","linkinfo":{"info_kind":"bridge"}}]'),
    section('ps', 0, p.ps ?? '    1 init\n'),
    p.ovs === undefined ? section('ovs', 127, '') : section('ovs', 0, p.ovs),
    section('qemu', 0, p.qemu ?? '/usr/libexec/xen-qemu-system-i386\n'),
    ...(p.paths === undefined ? [] : [section('mounts', 0, root), section('paths', 0, p.paths)]),
    ...(p.vgs === undefined ? [] : [section('vgs', 0, p.vgs), section('lvs', 0, p.lvs ?? '')]),
    end,
  );

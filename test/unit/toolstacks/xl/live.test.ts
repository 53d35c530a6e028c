import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ServerSeen } from '../../../../src/kinds/server/live.ts';
import type { Domain } from '../../../../src/kinds/vm/live.ts';
import { decode } from '../../../../src/toolstacks/xl/read/decode.ts';
import { parseRunning } from '../../../../src/toolstacks/xl/read/sched.ts';
import { parseXendomains } from '../../../../src/toolstacks/xl/read/xendomains.ts';
import {
  answer,
  dom0,
  end,
  info,
  join,
  listHead,
  nonce,
  row,
  section,
  tar,
  type Member,
  type Parts,
} from './answers.ts';

const seen = (raw: Uint8Array): ServerSeen => {
  const s = decode(raw, nonce, []);
  if (s.is !== 'seen') throw new Error(s.why);
  return s;
};

describe('how the hypervisor runs domains', () => {
  const vcpus = `Name                                ID  VCPU   CPU State   Time(s) Affinity (Hard / Soft)
Domain-0                             0     0    0   r--     135.4  all / all
two 1 2 words                        2     0    1   -b-       3.7  0-1,3 / all
two 1 2 words                        2     1    -   --p       0.7  0-1,3 / all
mixed                                4     0    1   ---       1.4  0 / all
mixed                                4     1    1   ---       1.4  1-2 / 3
libxl: error: something / else
`;
  const credit = 'Cpupool slow: tslice=30ms ratelimit=1000us\nName                                ID Weight  Cap\n';

  it('is read from the right, whatever the names', () => {
    const sched = `${credit}two 1 2 words                        2    512   50\n`;
    const other = `${credit}mixed                                4    256    0\n`;
    expect(parseRunning(vcpus, [sched, other])).toEqual(
      new Map([
        [0, { 'affinity.hard': 'all', 'affinity.soft': 'all' }],
        [2, { 'affinity.hard': '0-1,3', 'affinity.soft': 'all', 'sched.weight': 512, 'sched.cap': 50 }],
        [4, { 'affinity.hard': '0; 1-2', 'affinity.soft': 'all; 3', 'sched.weight': 256, 'sched.cap': 0 }],
      ]),
    );
  });

  it('is not told by what failed', () => {
    expect(parseRunning('libxl_physinfo failed.\n', ['', 'Usage: xl [-vfNtT] …\n'])).toEqual(new Map());
  });
});

describe('the xendomains service', () => {
  it.each([
    ['XENDOMAINS_SAVE=/var/lib/xen/save\nXENDOMAINS_RESTORE=true\n', true, true],
    ['XENDOMAINS_SAVE=""\nXENDOMAINS_RESTORE=false\n', false, false],
    ['#XENDOMAINS_SAVE=/x\n# XENDOMAINS_RESTORE=true\n', false, false],
    ['XENDOMAINS_SAVE=/x\nXENDOMAINS_SAVE= # none\nXENDOMAINS_RESTORE="true"\n', false, true],
  ])('%j', (text, saves, restores) => {
    expect(parseXendomains(text)).toEqual({ saves, restores });
  });

  it('is found in either place', () => {
    const file = (name: string): Member => ({ name, body: 'XENDOMAINS_SAVE=/x\n' });
    const of = (...files: readonly Member[]): unknown => seen(answer({ files })).xendomains;
    expect([of(file('etc/default/xendomains')), of(file('etc/sysconfig/xendomains')), of()]).toEqual([
      { saves: true, restores: false },
      { saves: true, restores: false },
      null,
    ]);
  });
});

describe('a QEMU for Xen', () => {
  const served = '  353 /opt/xen/qemu -xen-domid 0 -xen-attach\n';
  const uninstalled = '  353 /usr/lib/xen/bin/qemu-system-i386 -xen-domid 0 -xen-attach\n';
  const other = '/usr/bin/qemu-system-x86_64\n';
  it.each<[string, Partial<Parts>, boolean | undefined]>([
    ['in a place of its own', { qemu: '/usr/lib/xen/bin/qemu-system-i386\n' }, true],
    ['nowhere', { qemu: '' }, false],
    ['nowhere, while another one goes on', { qemu: '', ps: uninstalled }, false],
    ['in a place that we do not know, where it serves', { qemu: '', ps: served }, true],
    ['perhaps', { qemu: other }, undefined],
    ['perhaps, but it serves', { qemu: other, ps: `  1 ${other.trim()} -name x -xen-domid 2\n` }, true],
  ])('is %s', (_, parts, qemu) => {
    expect(seen(answer(parts)).qemu).toBe(qemu);
  });

  it('is looked for in every answer', () => {
    const unasked = join(
      section('host', 0, 'dom9\nboot-1\n'),
      section('xl-info', 0, info),
      section('xl-list', 0, listHead + dom0),
      section('xs', 0, ''),
      section('files', 0, tar([])),
      section('link', 0, '[{"ifname":"lo"}]'),
      section('ps', 0, '    1 init\n'),
      end,
    );
    expect(decode(unasked, nonce, [])).toMatchObject({ is: 'unknown', why: 'the answer has no part qemu' });
  });
});

describe('a domain after a rename', () => {
  const uuid = '0b9d6f0a-6f5e-5c0e-9a5d-6d0f3a3c0001';
  const xs = `/local/domain/5/name = "new"
/local/domain/5/memory/static-max = "131072"
/local/domain/5/memory/target = "131072"
/libxl/5/type = "pvh"
`;
  const json = {
    name: `var/lib/xen/userdata-d.5.${uuid}.libxl-json`,
    body: '{"c_info":{"type":"pvh","name":"old"},"b_info":{"sched_params":{"weight":300}}}\0',
  };
  const domain = (p: Partial<Parts>): Domain | undefined => {
    const cfg = { name: 'etc/xen/new.cfg', body: `name = "new"\nuuid = "${uuid}"\ntype = "pvh"\n` };
    return seen(answer({ list: row('new', 5, '-b----', uuid), xs, files: [cfg, json], ...p })).domains[0];
  };

  it('has the name that xl lists, and a monitor that nobody can tell of', () => {
    expect(domain({ ps: '  638 xl create -q /etc/xen/old.cfg\n' })).toMatchObject({
      name: 'new',
      monitored: undefined,
    });
    expect(domain({ ps: '' })).toMatchObject({ monitored: false });
  });

  it('falls back to libxl’s record where the hypervisor did not tell', () => {
    expect(domain({})?.settings['sched.weight']).toBe(300);
    const sched =
      'Domain-0                             0    256    0\nnew                                  5    512    7\n';
    expect(domain({ sched })?.settings).toMatchObject({
      'sched.weight': 512,
      'sched.cap': 7,
    });
  });
});

describe('an HVM guest of Xen 4.17, started and read in the lab', () => {
  const recorded = (name: string): Buffer => readFileSync(new URL(`recorded/hvm/${name}`, import.meta.url));
  const text = (name: string): string => recorded(name).toString('latin1');
  const uuid = /([0-9a-f-]{36})/.exec(text('xl-list').split('hvm1')[1] ?? '')?.[1] ?? '';
  const parts = (xs: string): Uint8Array =>
    join(
      section('host', 0, 'dom01\nboot-1\n'),
      section('xl-info', 0, text('xl-info')),
      section('xl-list', 0, text('xl-list')),
      section('xl-vcpus', 0, text('xl-vcpus')),
      section('xl-sched', 0, text('xl-sched')),
      section('xl-credit', 0, ''),
      section('xs', 0, xs),
      section(
        'files',
        0,
        tar([
          { name: 'etc/xen/hvm1.cfg', body: recorded('cfg') },
          { name: `var/lib/xen/userdata-d.2.${uuid}.libxl-json`, body: recorded('libxl-json') },
        ]),
      ),
      section('link', 0, text('link')),
      section('ps', 0, text('ps')),
      section('qemu', 0, '/usr/libexec/xen-qemu-system-i386\n'),
      end,
    );
  const s = seen(parts(text('xs')));

  it('is read whole', () => {
    expect(s.problems).toEqual([]);
    expect([s.cpupools, s.scheduler, s.qemu]).toEqual([['Pool-0'], 'credit2', true]);
    expect(s.domains).toMatchObject([
      {
        name: 'hvm1',
        type: 'hvm',
        vcpus: { online: 1, max: 2 },
        memory: { target: 192 * 1024, actual: 184 * 1024, max: 192 * 1024 },
        boot: { kernel: '/srv/guest/vmlinuz', ramdisk: '/srv/guest/initrd.gz' },
        disks: [
          { vdev: 'hdb', path: '/srv/images/disk4.img', backend: 'phy', state: 4 },
          { vdev: 'xvda', path: '/srv/images/disk3.img', backend: 'phy', state: 4 },
        ],
        cdroms: { hdc: { path: '' } },
        nics: [{ mac: '02:00:00:00:10:03', bridge: 'xenbr0', rate: null, model: 'rtl8139', script: 'vif-bridge' }],
        monitored: true,
        qemu: true,
        pvDrivers: true,
        balloon: undefined,
      },
    ]);
  });

  it('runs as its cfg says', () => {
    const config = s.records[0]?.config;
    expect(config?.extra.map((x) => x.key)).toEqual(['usb']);
    expect(s.domains[0]?.settings).toMatchObject({ ...config?.settings });
    expect(s.domains[0]?.settings).toMatchObject({ 'sched.weight': 300, 'affinity.hard': 'all', cpupool: 'Pool-0' });
  });

  it('shows the medium of its drive, and the rate of its NIC', () => {
    const xs = text('xs')
      .replace('params = "aio:"', 'params = "aio:/srv/iso/a:b.iso"')
      .replace(/^(\/libxl\/2\/device\/vif\/0\/)mac/m, '$1rate = "62500,50000"\n$1mac');
    const [domain] = seen(parts(xs)).domains;
    expect(domain?.cdroms).toEqual({ hdc: { path: '/srv/iso/a:b.iso' } });
    expect(domain?.nics[0]?.rate).toBe('1250000B/s@50000us');
  });

  it('says nothing of its drivers before they are there', () => {
    const xs = text('xs').replace(/(control\/feature-\S+ = )"1"/g, '$1""');
    expect(seen(parts(xs)).domains[0]?.pvDrivers).toBeUndefined();
    expect(seen(parts(`${xs}/local/domain/2/control/feature-balloon = "0"\n`)).domains[0]?.balloon).toBe(false);
  });
});

import { describe, expect, test } from 'vitest';
import { onScreen } from '../../../src/report/text.ts';
import { renderStatus, statusJson, type Status, type StatusServer, type StatusVm } from '../../../src/report/status.ts';

const GiB = 1024 ** 2;

const server = (name: string, more: Partial<StatusServer> = {}): StatusServer => ({
  name,
  pool: 'ams1',
  address: `${name}.ams1.example.com`,
  state: 'read',
  declared: 'active',
  xen: '4.17.5',
  cpus: 16,
  memory: { total: 64 * GiB, free: 12.35 * GiB },
  scheduler: 'credit2',
  code: null,
  why: null,
  help: null,
  problems: [],
  ...more,
});

const vm = (name: string, more: Partial<StatusVm> = {}): StatusVm => ({
  name,
  key: name,
  server: 'dom01',
  uuid: '6d3c9b1e-0f6a-5b7e-9c41-2f8d5a7b1c02',
  state: 'running',
  type: 'pvh',
  vcpus: { count: 1, max: 4 },
  memory: { target: GiB / 2, max: 2 * GiB },
  owner: 'managed',
  autostart: true,
  pending: 0,
  differences: 0,
  problems: [],
  ...more,
});

const unread = { state: 'unread', xen: null, cpus: null, memory: null, scheduler: null, code: 'timeout' } as const;

const farm: Status = {
  format: 'reeve-status/1',
  tool: '0.1.0',
  farm: 'acme',
  repositories: [
    {
      name: 'fast',
      pool: 'ams1',
      type: 'dir',
      path: '/srv/fast',
      space: { size: 200 * GiB, free: 42.5 * GiB },
      attached: ['dom01'],
      missing: ['dom02'],
      images: ['template debian-12'],
      oldImages: ['debian-12-0badcafe.qcow2'],
      orphans: ['old-xvda-1a2b3c4d.raw'],
      problems: [],
    },
    {
      name: 'vmstore',
      pool: 'ams1',
      type: 'nfs',
      path: '/srv/vmstore',
      space: null,
      attached: [],
      missing: [],
      images: [],
      oldImages: [],
      orphans: [],
      problems: ['dom01: /srv/vmstore does not answer', 'dom02: /srv/vmstore does not answer'],
    },
  ],
  servers: [
    server('dom01'),
    server('dom02', { xen: '4.19.0', cpus: 8, scheduler: '', problems: ['the processes could not be read'] }),
    server('dom03', {
      ...unread,
      why: 'dom03.ams1.example.com: no answer from port 22 in time',
      help: 'Is the server up, and does sshd listen on port 22? Try: ssh -p 22 dom03.ams1.example.com',
    }),
  ],
  vms: [
    vm('db-1', { state: 'crashed', differences: 1 }),
    vm('legacy-print', {
      key: null,
      type: 'pv',
      server: 'dom02',
      owner: 'unmanaged',
      vcpus: { count: 1, max: 1 },
      autostart: false,
      problems: ['no cfg: it is gone once it stops'],
    }),
    vm('mail', { owner: 'adoptable', memory: { target: GiB, max: GiB } }),
    vm('other', { key: null, owner: 'foreign', state: 'stopped', problems: ['it belongs to farm lab'] }),
    vm('web', {
      key: 'web-1',
      pending: 1,
      differences: 2,
      problems: ['no xl monitor: nobody will handle its reboot or shutdown'],
    }),
    vm('win-1', { type: 'hvm', state: 'paused', pending: 2, vcpus: null, memory: null }),
  ],
  missing: [
    { is: 'nowhere', key: 'batch', pool: 'ams1', why: 'it may be on dom03, which could not be read' },
    {
      is: 'unclear',
      key: 'web-2',
      pool: 'ams1',
      why: 'web-2 was found more than once: dom01 (running) and dom02 (running)',
    },
  ],
  rolls: [],
};

const plain = { color: false, width: 100 };

describe('renderStatus', () => {
  test('a farm with trouble', async () => {
    await expect(renderStatus(farm, plain)).toMatchFileSnapshot('../../golden/report/status.txt');
  });

  test('a roll that is under way, or broke off: it is no maintenance', () => {
    const text = renderStatus(
      {
        ...farm,
        rolls: [
          {
            pool: 'ams1',
            record: {
              roll: '2026-03-01T20:00:00.000Z-c0ffee',
              by: 'ann@desk',
              run: './patch {server}',
              reboot: true,
              home: true,
              servers: ['dom01', 'dom02'],
              stage: 'treating',
              boot: null,
              homes: [],
            },
            stages: [
              { server: 'dom01', stage: 'treating' },
              { server: 'dom02', stage: 'waiting' },
            ],
          },
        ],
      },
      plain,
    );
    expect(text).toMatch(/^ {2}dom01 \(roll\) {2}ams1/m);
    expect(text.replaceAll(/\s+/g, ' ')).toContain(
      'Rolls a roll of pool ams1 is under way, or broke off: dom01 is being treated, dom02 waits for its turn (begun by ann@desk, 2026-03-01T20:00:00.000Z-c0ffee). To go on where it broke off, run the same `reeve roll ams1` again. To give it up: reeve roll ams1 --abandon',
    );
  });

  test('fits a narrow terminal', () => {
    const text = renderStatus(farm, { ...plain, width: 80 });
    expect(Math.max(...text.split('\n').map((l) => l.length))).toBeLessThanOrEqual(80);
  });

  test('an empty farm', () => {
    expect(
      renderStatus(
        {
          ...farm,
          servers: [server('xen', { address: 'xen.lan', pool: 'home' })],
          repositories: [],
          vms: [],
          missing: [],
          rolls: [],
        },
        plain,
      ),
    ).toBe(
      'Servers\n' +
        '  NAME  POOL  ADDRESS  XEN     CPUS     FREE     OF  SCHEDULER\n' +
        '  xen   home  xen.lan  4.17.5    16  12.3GiB  64GiB  credit2\n\n' +
        'VMs\n  none\n\n1 server; 0 VMs, 0 running, 0 managed.\n',
    );
  });

  test('colours add nothing but colour', () => {
    const escape = new RegExp(`${String.fromCodePoint(27)}\\[[0-9;]*m`, 'g');
    const painted = onScreen(renderStatus(farm, { ...plain, color: true }));
    expect(painted).toMatch(escape);
    expect(painted.replaceAll(escape, '')).toBe(renderStatus(farm, plain));
  });

  test('what a dom0 calls its domains cannot steer the terminal', () => {
    const name = `evil${String.fromCodePoint(27)}[2J\nname`;
    const text = renderStatus({ ...farm, vms: [vm(name, { problems: [name] })] }, plain);
    expect(text).toContain('evil\\u001b[2J name');
    expect(text).not.toContain(String.fromCodePoint(27));
  });

  test('as JSON it is what it is', () => {
    expect(JSON.parse(statusJson(farm))).toEqual(farm);
  });
});

test('a server that is to be empty says so beside its name, read or not', () => {
  const text = renderStatus(
    {
      ...farm,
      servers: [
        server('dom01', { declared: 'maintenance' }),
        server('dom02', { declared: 'absent' }),
        server('dom03', { ...unread, declared: 'maintenance', why: 'no answer' }),
      ],
    },
    { color: false, width: 100 },
  );
  expect(text).toMatch(/^ {2}dom01 \(maintenance\) {2}ams1 .* credit2$/m);
  expect(text).toMatch(/^ {2}dom02 \(leaving\) {6}ams1 .* credit2$/m);
  expect(text).toMatch(/^ {2}dom03 \(maintenance\) {2}ams1 .* unread$/m);
});

test('a server that the file calls off or lost is no trouble', () => {
  const nothing = { ...unread, memory: null };
  const text = renderStatus(
    {
      ...farm,
      servers: [
        server('dom01'),
        server('dom02', { ...nothing, state: 'off', declared: 'off' }),
        server('dom03', { ...nothing, state: 'lost', declared: 'lost' }),
      ],
    },
    { color: false, width: 100 },
  );
  expect(text).toMatch(/^ {2}dom02 .* off$/m);
  expect(text).toMatch(/^ {2}dom03 .* lost$/m);
  expect(text).toMatch(/^3 servers; /m);
});

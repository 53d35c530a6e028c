/** A plan's repositories as a person reads them. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ref } from '../../../src/core/ref.ts';
import type { Operation, Plan } from '../../../src/kinds/plan.ts';
import { idOf, reasonOf } from '../../../src/kinds/operations.ts';
import type { ImageOp } from '../../../src/kinds/image/ops.ts';
import type { RepositoryOp } from '../../../src/kinds/repository/ops.ts';
import { renderPlan } from '../../../src/report/plan-text.ts';
import { parsePlan, planJson } from '../../../src/report/plan-json.ts';
import { commands } from '../../../src/toolstacks/xl/lower/commands.ts';
import { readFileSync } from 'node:fs';
import { empty } from './plans.ts';

const schema = JSON.parse(
  readFileSync(new URL('../../../schemas/plan.schema.json', import.meta.url), 'utf8'),
) as object;
const golden = (name: string): string => join(import.meta.dirname, '../../golden/report', name);
const uuid = '0c9b1d1e-5a5e-5b7e-9c41-2f8d5a7b1c02';

const base = (name: string, server: string) => ({
  repository: ref('repository', `ams1/${name}`),
  server,
  farm: 'acme',
  name,
  type: 'nfs' as const,
  path: `/srv/${name}`,
  source: `filer:/export/${name}`,
});
const deletes = {
  verb: 'delete-disk' as const,
  of: null,
  copied: null,
  owner: { uuid: null, vdev: null },
  goes: false,
  peers: ['dom02'],
};
const GiB = 1024 ** 2;
const ops: readonly RepositoryOp[] = [
  { ...base('vmstore', 'dom01'), verb: 'attach-repository', options: 'vers=4.2', mount: true, persist: true },
  { ...base('vmstore', 'dom01'), verb: 'mark-repository', uuid: null, fresh: uuid },
  { ...base('vmstore', 'dom02'), verb: 'attach-repository', options: 'vers=4.2', mount: false, persist: true },
  { ...base('vmstore', 'dom02'), verb: 'mark-repository', uuid: null, fresh: null },
  { ...base('old', 'dom01'), verb: 'detach-repository', mounted: true, persisted: true, booked: true },
  { ...base('past', 'dom01'), ...deletes, disk: '/srv/past/disks/web-xvda-1a2b3c4d.raw', size: 20 * GiB },
  { ...base('past', 'dom01'), ...deletes, disk: '/srv/past/disks/db-xvda-1a2b3c4d.raw', size: null },
  { ...base('past', 'dom01'), verb: 'unmark-repository', uuid, suspended: 2 },
  { ...base('past', 'dom01'), verb: 'detach-repository', mounted: true, persisted: true, booked: true },
  { ...base('past', 'dom02'), verb: 'detach-repository', mounted: false, persisted: true, booked: true },
  {
    ...base('local', 'dom02'),
    type: 'dir',
    source: '',
    verb: 'attach-repository',
    options: '',
    mount: false,
    persist: false,
  },
];
const operations = ops.map((op): Operation => ({
  id: idOf(op),
  op,
  target: op.repository,
  server: op.server,
  needs: [],
  lane: null,
  before: null,
  disruption: 'none',
  reason: reasonOf(op),
  estimate: { ms: 2000, downtimeMs: 0 },
  commands: commands(op),
}));
const repositoryOf = (name: string, action: Plan['repositories'][number]['action']): Plan['repositories'][number] => {
  const mine = operations.filter((o) => o.op.name === name);
  return {
    subject: ref('repository', `ams1/${name}`),
    name,
    pool: 'ams1',
    path: `/srv/${name}`,
    action,
    servers: [...new Set(mine.map((o) => o.server))].map((server) => ({
      server,
      does: mine.filter((o) => o.server === server).map((o) => o.reason),
    })),
    operations: mine.map((o) => o.id),
  };
};
const refused = (name: string, server: string | null, why: string, help: string): Plan['refused'][number] => ({
  subject: ref('repository', `ams1/${name}`),
  what: `repository ${name} would be attached${server === null ? '' : ` on ${server}`}`,
  code: 'stores-differ',
  why,
  help,
  needs: null,
  allow: [],
});
const plan: Plan = {
  ...empty,
  scope: ['dom01', 'dom02'],
  touched: [...new Set(operations.map((o) => o.target.name))].map((name) => ({
    subject: ref('repository', name),
    server: 'dom01',
    uuid: '',
    name: `/srv/${name.slice('ams1/'.length)}`,
    seen: {},
  })),
  servers: ['dom01', 'dom02'].map((name) => ({
    name,
    pool: 'ams1',
    address: name,
    ssh: {
      user: undefined,
      port: undefined,
      identityFile: undefined,
      knownHosts: undefined,
      jump: undefined,
      sudo: undefined,
      connectTimeout: undefined,
    },
  })),
  repositories: [
    repositoryOf('local', 'attach'),
    repositoryOf('old', 'detach'),
    repositoryOf('past', 'erase'),
    repositoryOf('vmstore', 'attach'),
  ],
  operations,
  refused: [
    refused('iso', 'dom02', '/srv/iso does not answer', 'look at the NFS server and the network between'),
    refused('vmstore', 'dom03', 'other:/x is mounted at /srv/vmstore', 'unmount it, or correct `source`'),
  ],
  bound: operations.length,
};

test('are shown by server, with what is refused and the commands behind it', async () => {
  const text = renderPlan(plan, { color: false, width: 100, commands: true });
  await expect(text).toMatchFileSnapshot(golden('repositories.txt'));
});

test('stand in a saved plan, which is read back as it was', () => {
  expect(parsePlan(planJson(plan), schema)).toEqual(plan);
});

test('of images has no source with a password in it', () => {
  const image = ref('image', 'ams1/template/debian');
  const op: Extract<ImageOp, { verb: 'fetch-image' }> = {
    image,
    server: 'dom01',
    farm: 'acme',
    name: 'debian',
    what: 'template',
    repository: 'vmstore',
    folder: '/srv/vmstore',
    path: '/srv/vmstore/images/debian-1.qcow2',
    verb: 'fetch-image',
    source: 'https://x.example/debian@12.qcow2',
    sha256: null,
    size: 3 * 1024,
  };
  const read = (source: string): unknown => {
    const fetch: Operation = { ...operations[0]!, id: idOf(op), op: { ...op, source }, target: image };
    const block = { subject: image, name: 'debian', what: op.what, pool: 'ams1', path: op.path };
    return parsePlan(
      planJson({
        ...plan,
        touched: [...plan.touched, { ...plan.touched[0]!, subject: image }],
        images: [{ ...block, action: 'fetch', operations: [fetch.id] }],
        operations: [...operations, fetch],
      }),
      schema,
    );
  };
  expect(read(op.source)).not.toBeInstanceOf(Array);
  expect(JSON.stringify(read('https://ann:secret@x.example/debian.qcow2'))).toMatch(/source must match/);
});

test('cannot smuggle anything onto a command line', () => {
  const bad = (change: object): unknown =>
    parsePlan(planJson({ ...plan, operations: operations.map((o) => ({ ...o, op: { ...o.op, ...change } })) }), schema);
  const changes = [
    { source: '-o x:/y' },
    { source: 'filer:/a b' },
    { path: 'srv' },
    { path: '/srv/"x' },
    { name: 'a/b' },
    { uuid: 'x' },
  ];
  expect(changes.filter((change) => !Array.isArray(bad(change)))).toEqual([]);
});

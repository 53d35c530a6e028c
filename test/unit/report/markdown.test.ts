/** Markdown of plans: whatever stands in a plan is shown and is no markup, and the longest plan is no longer than a forge takes. */
import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';
import { describe, expect, test } from 'vitest';
import type { Operation, Plan, PlanVm } from '../../../src/kinds/plan.ts';
import { renderGraph } from '../../../src/report/graph.ts';
import { renderMarkdown } from '../../../src/report/markdown/plan.ts';
import { mostCharacters, mostEdges } from '../../../src/report/mermaid.ts';
import { base, change, drifted, empty, operation, troubled, usual, vm, waiting } from './plans.ts';
import { everyVerb, whole } from './whole-vm.ts';

const options = {
  digest: `sha256:${'a1'.repeat(32)}`,
  apply: 'reeve apply plan.json',
  paths: ['farm/'],
  commands: true,
};
const html = (text: string): string =>
  micromark(text, { extensions: [gfm()], htmlExtensions: [gfmHtml()], allowDangerousHtml: true });
/** What a forge looks for mentions, references, addresses and emoji in: all text but that of code. */
const prose = (page: string): string =>
  page.replaceAll(/<code[^>]*>[\s\S]*?<\/code>/g, '').replaceAll(/<[^>]*>/g, '\n');
const tags = (page: string): readonly string[] => [...new Set(page.match(/<\/?[a-z!][^\s>]*/gi) ?? [])].sort();

const hostile = [
  'a | b || c',
  '`tick` ``two`` ```three```',
  '<script>alert(1)</script>',
  '<!-- a comment --> & &lt; &#x3C;',
  'line\nbreak\r\n\n# heading\n---\n| a |\n|---|',
  '@everyone @org/team ann@example.org',
  '#123 GH-123 org/repo#7 !45 ~label %milestone $42 &9',
  'http://evil.example/ www.evil.example xmpp:a@b [x](http://e) ![i](http://e/i.png)',
  ':tada: [^1] [ ] *b* _i_ ~~s~~ $x^2$ \\| \\',
  '</details></summary><details open>',
  'end subgraph x["y"] --> z; %% c %%{init: {}}%% "`md`" click s1 href',
  '0123456789abcdef0123456789abcdef01234567',
  '```',
  '\u202Eevil\u0007',
];

/** A plan in which this text stands wherever one from outside may. */
const planted = (bad: string): Plan => ({
  ...usual,
  farm: bad,
  vms: usual.vms.map((v): PlanVm => ({
    ...v,
    subject: { kind: 'vm', name: bad },
    name: `${bad}2`,
    server: bad,
    to: bad,
    placed: bad,
    changes: [
      change('boot.cmdline', bad, `${bad} ${bad}`),
      change(`disks.${bad}`, undefined, { path: bad, access: 'rw' }),
    ],
  })),
  operations: usual.operations.map((o) => ({ ...o, reason: bad, commands: [bad], before: bad })),
  refused: troubled.refused.map((r) => ({ ...r, subject: { kind: 'vm', name: bad }, what: bad, why: bad, help: bad })),
  unreadable: troubled.unreadable.map((u) => ({ ...u, server: bad, why: bad, help: bad })),
  unmanaged: [{ server: bad, name: bad, what: 'vm', detail: bad }],
  warnings: [bad],
  fences: [{ server: bad, off: bad, status: bad, operations: usual.vms[0]?.operations ?? [] }],
  lanes: [{ id: bad, width: 1, stopOnFailure: true, vms: [bad] }],
  dom0s: [{ subject: { kind: 'server', name: bad }, name: bad, pool: 'p', does: [bad], operations: [] }],
});

describe('what stands in a plan', () => {
  const harmless = tags(html(renderMarkdown(planted('web'), options)));

  test.each(hostile)('is no markup: %j', (bad) => {
    const text = renderMarkdown(planted(bad), { ...options, apply: 'reeve apply' });
    const page = html(text);
    expect(tags(page).filter((t) => !harmless.includes(t))).toEqual([]);
    expect(page.match(/<details>/g)).toHaveLength(page.match(/<\/details>/g)?.length ?? -1);
    const links = /.?(?:[@#|`]|:\w|\w\/\w|\bwww\.|[0-9a-f]{8}|[[\]<*\\$]|~~|&lt;).{0,20}/gi;
    expect(prose(page).replace('[!WARNING]', '').match(links) ?? []).toEqual([]);
    expect(text).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u202E]/);
  });

  test.each(hostile)('is shown: %j', (bad) => {
    const words = html(renderMarkdown(planted(bad), options))
      .replaceAll(/<\/?code[^>]*>/g, '')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&quot;', '"')
      .replaceAll('&amp;', '&');
    const shown = bad
      .replaceAll(/[\r\n]/g, ' ')
      .replaceAll('`', '')
      .replaceAll('\u202E', '\\u202e')
      .replaceAll('\u0007', '\\u0007');
    const flat = (s: string): string => s.replaceAll(/\\u000d|[\s`]/g, '');
    expect(flat(words)).toContain(flat(shown));
  });

  test.each(hostile)('is no part of a picture’s language: %j', (bad) => {
    const { picture = '' } =
      /```mermaid\n(?<picture>[\s\S]*?)\n```/.exec(renderMarkdown(planted(bad), options))?.groups ?? {};
    const graph = renderGraph(planted(bad), 'mermaid');
    for (const text of [picture, graph]) {
      const outside = text.replaceAll(/"[^"]*"/g, '""');
      expect(outside).toMatch(
        /^flowchart LR\n(?: *(?:\w+\[""\]|subgraph \w+ \[""\]|end|\w+ (?:-->|-\.->)(?:\|""\|)? \w+)\n?)+$/,
      );
      for (const [, label = ''] of text.matchAll(/"([^"]*)"/g))
        expect(label).toMatch(/^(?:[\p{L}\p{N} .,:/()_+=→–-]|#\d+;)*$/u);
    }
  });
});

test.each([
  ['usual', usual],
  ['drifted', drifted],
  ['troubled', troubled],
  ['waiting', waiting],
  ['whole', whole],
])('the plan of a day: %s', async (name: string, plan: Plan) => {
  await expect(renderMarkdown(plan, { ...options, commands: false })).toMatchFileSnapshot(
    `../../golden/report/markdown/${name}.md`,
  );
});

test('every kind of operation has its words', () => {
  expect(renderMarkdown(everyVerb, options)).not.toMatch(/undefined|\[object/);
});

const many = (n: number, more: Partial<PlanVm> = {}): Plan => {
  const name = (i: number): string => `vm-${String(i).padStart(5, '0')}`;
  const operations = Array.from({ length: n }, (_, i): Operation => {
    const op = { ...base(name(i), `dom${i % 40}`), verb: 'set-memory', kib: 2048, from: 1024 } as const;
    const o = operation(op, 'live', ['xl mem-set']);
    return i % 1000 === 7
      ? { ...o, disruption: 'restart', estimate: { ms: 30_000, downtimeMs: 25_000 + i } }
      : { ...o, needs: i === 0 ? [] : [`${name(i - 1)}/set-memory`] };
  });
  const vms = operations.map((o) =>
    vm(o.target.name, {
      server: o.server,
      action: o.disruption === 'restart' ? 'restart' : 'update',
      disruption: o.disruption,
      operations: [o.id],
      changes: [change('memory.target', 1024, 2048)],
      ...more,
    }),
  );
  return { ...empty, operations, vms };
};

describe('a plan that is longer than a comment', () => {
  test('is cut by whole VMs, worst first, and says what is not shown', () => {
    const text = renderMarkdown(many(5000), options);
    expect(text.length).toBeLessThanOrEqual(65_000);
    expect(text.length).toBeGreaterThan(40_000);
    const page = html(text);
    expect(page.match(/<details>/g)).toHaveLength(page.match(/<\/details>/g)?.length ?? -1);
    const rows = [...text.matchAll(/^\| \S+ \| `(vm-\d+)`/gmu)].map((m) => m[1]);
    expect(rows.slice(0, 6)).toEqual(['vm-04007', 'vm-03007', 'vm-02007', 'vm-01007', 'vm-00007', 'vm-00000']);
    expect(text).toContain('**5 VMs restart, each down for up to about 30 s**');
    expect(text).toMatch(/Not shown here, since a comment may only be so long: \d+ rows: `vm-\d+`, .* and \d+ more\./);
    expect(text).toMatch(/: \d+ VMs in full: `vm-\d+`, .* and \d+ more\./);
    expect(text).toContain('reeve apply plan.json');
  });

  test('fits, however much there is of whatever it holds', () => {
    const long = 'x'.repeat(3000);
    const plan = {
      ...planted(`${long} ${hostile.join(' ')}`),
      warnings: Array.from({ length: 3000 }, (_, i) => `${long}${i}`),
      refused: Array.from({ length: 3000 }, () => troubled.refused[0]).flatMap((r) => r ?? []),
    };
    for (const most of [65_000, 20_000])
      expect(renderMarkdown(plan, { ...options, most }).length).toBeLessThanOrEqual(most);
  });

  test('is drawn by Mermaid, with one box for each VM or server', () => {
    const arrows = (text: string): number => text.match(/-->/g)?.length ?? 0;
    for (const n of [3, 600, 5000]) {
      const text = renderGraph(many(n), 'mermaid');
      expect(arrows(text)).toBeLessThanOrEqual(mostEdges);
      expect(text.length).toBeLessThanOrEqual(mostCharacters + 1);
    }
    expect(renderGraph(many(600), 'mermaid')).toContain('%% One box for each server');
    expect(renderGraph(many(5000), 'mermaid')).toContain('dom7: 125 operations');
  });

  test('moves are drawn by pairs of servers', () => {
    const text = renderMarkdown(many(900, { to: 'dom99', action: 'migrate', disruption: 'migrate' }), options);
    expect(text).toMatch(/ --> ?\|"vm-\d+, vm-\d+, vm-\d+, vm-\d+ and 19 more"\| /);
  });
});

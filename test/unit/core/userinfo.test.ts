/** Passwords in addresses are never shown, and nothing else is covered. */
import { assert, property, stringMatching } from 'fast-check';
import { expect, it } from 'vitest';
import { withoutUserinfo } from '../../../src/core/userinfo.ts';

it.each([
  ['https://ann:pw@x.example/t.raw', 'https://******@x.example/t.raw'],
  ['source: "https:\\/\\/ann:pw@x/t"', 'source: "https:\\/\\/******@x/t"'],
  ['https://token@x/t', 'https://*****@x/t'],
  ['https://ann:p w@x/t', 'https://*******@x/t'],
  ['https://ann:p@w@x/t', 'https://*******@x/t'],
  [`"https://ann:p'w@x/t"`, `"https://*******@x/t"`],
  ['https://ann:p/w@x/t', 'https://ann:***@x/t'],
  ['ftp:/ann:pw@x/t', 'ftp:/ann:**@x/t'],
  ['ann:pw@x/t', 'ann:**@x/t'],
])('%s becomes %s', (text, shown) => {
  expect(withoutUserinfo(text)).toBe(shown);
});

it.each([
  'https://x.example/a@b.raw',
  'https://x.example:8080/a@b.raw',
  'filer:/export/vm@store',
  'ssh: { jump: "ann@b1:22,bob@b2" }',
  'address: ann@xen.lan',
])('%s stays as it is', (text) => {
  expect(withoutUserinfo(text)).toBe(text);
});

it('keeps its length, and shows no password that a URL may hold', () => {
  const word = stringMatching(/^[A-Za-z0-9._~!$&()*+;=%-]{8,12}$/);
  assert(
    property(word, word, (user, password) => {
      const shown = withoutUserinfo(`{ source: "https://${user}:${password}@x/t.raw" }`);
      expect(shown).toHaveLength(`{ source: "https://${user}:${password}@x/t.raw" }`.length);
      expect(shown.split('@')[0]).not.toContain(password);
    }),
  );
});

it('takes no longer for a line without end', () => {
  const line = `${'a:'.repeat(500_000)} @`;
  const began = performance.now();
  expect(withoutUserinfo(line)).toBe(line);
  expect(performance.now() - began).toBeLessThan(5000);
});

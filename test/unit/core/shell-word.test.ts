/** What is printed to be pasted is one word to a shell, and looks no worse than it must. */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { option, shellWord } from '../../../src/core/shell-word.ts';
import { wrap } from '../../../src/report/text.ts';

test.each([
  'web-1',
  'restart=web',
  'mac 00:16:3e:00:00:01',
  'web-*',
  "it's",
  '$(id)',
  '`id`',
  '',
  '~root',
  'a\\b',
  '-n',
])('%s', (text) => {
  expect(execFileSync('sh', ['-c', `printf '%s' ${shellWord(text)}`]).toString()).toBe(text);
});

test('an option stays as it is where no shell minds', () => {
  expect(option('--allow', 'restart=db-1/xvdb')).toBe('--allow restart=db-1/xvdb');
  expect(option('--allow', 'device=web/mac 00:16:3e:00:00:01')).toBe("--allow 'device=web/mac 00:16:3e:00:00:01'");
});

test('what is to be pasted is never broken', () => {
  const text =
    "waits for it; --allow 'device=web/mac 00:16:3e:00:00:01' does it now, or write `xvdb: { adopt: /a }` there";
  const lines = wrap(text, 20);
  expect(lines).toContain("--allow 'device=web/mac 00:16:3e:00:00:01'");
  expect(lines).toContain('`xvdb: { adopt: /a }`');
  expect(lines.join(' ')).toBe(text);
});

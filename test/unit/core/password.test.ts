import { expect, test } from 'vitest';
import {
  covered,
  dereferenced,
  holdsCover,
  holdsPassword,
  referencesIn,
  starred,
  withReferences,
} from '../../../src/core/password.ts';

test.each([
  ['vnc=1,vncpasswd=a b,keymap=de', 'vnc=1,vncpasswd=***,keymap=de'],
  ['sdl=1, spicepasswd = x', 'sdl=1, spicepasswd = ***'],
  ['port=1,password=s3cret', 'port=1,password=***'],
  ['secret,id=s0,format=raw,data=x', 'secret,id=s0,format=raw,data=***'],
  ['s=https://ann:p%2Fw@seed.lan/x', 's=https://ann:***@seed.lan/x'],
  ['iscsi://ann%pw@host/lun', 'iscsi://ann%***@host/lun'],
  ['https://ann:p@w@host/', 'https://ann:***@host/'],
  ['file=rbd:pool/img:id=a:key=AQ==,format=raw', 'file=rbd:pool/img:id=a:key=***,format=raw'],
])('%j holds one', (text, without) => {
  expect(covered(text)).toBe(without);
  expect([holdsPassword(text), holdsCover(text), holdsPassword(without), holdsCover(without)]).toEqual([
    true,
    false,
    false,
    true,
  ]);
  expect(covered(without)).toBe(without);
  expect(starred(text)).toHaveLength(text.length);
  expect(covered(starred(text))).toBe(without);
});

test.each([
  'vnc=1,vncpasswd=,sdl=0',
  'password-secret=s0,bypass=1,data=3',
  'http://host:8080/x@y',
  'https://ann@host/ http://[::1]:80/',
  'a:key=b',
  'pass 1',
  '',
])('%j holds none', (text) => {
  expect([covered(text), holdsPassword(text), holdsCover(text)]).toEqual([text, false, false]);
});

test('a reference stands where a password would', () => {
  const named = 'vnc=1,vncpasswd=${env:A},x=${env:NOT}';
  expect([holdsPassword(named), holdsCover(named), referencesIn(named)]).toEqual([false, false, ['${env:A}']]);
  expect(covered(named)).toBe('vnc=1,vncpasswd=***,x=${env:NOT}');
  expect(dereferenced(named, (r) => `[${r}]`)).toBe('vnc=1,vncpasswd=[${env:A}],x=${env:NOT}');
  expect(withReferences('vnc=1,vncpasswd=***,y=***', () => '${env:A}')).toBe('vnc=1,vncpasswd=${env:A},y=***');
  // No part of one is.
  expect(holdsPassword('vncpasswd=${env:A}b')).toBe(true);
});

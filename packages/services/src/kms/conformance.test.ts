import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { type OasisCase, oasisCases } from '@vouchsafe/kmip/testing/oasis';
import { fromXml } from '@vouchsafe/kmip/xml/decode';
import { parseElement, type XmlElement } from '@vouchsafe/kmip/xml/element';
import { compareAnswer, Difference } from './testing/oasis/compare.ts';
import { playAll } from './testing/oasis/conformance.ts';
import { leftOut } from './testing/oasis/left-out.ts';
import { play } from './testing/oasis/player.ts';
import { conformancePage } from './testing/oasis/table.ts';
import { oasisServer } from './testing/oasis/target.ts';

const corpus = process.env.VOUCHSAFE_CORPUS;
const skip = corpus === undefined && 'VOUCHSAFE_CORPUS is not set';
const page = new URL('../../../../docs/kmip-conformance.md', import.meta.url);

test('the OASIS cases end as the page about them says, and what is left out fails', { skip }, async () => {
  const played = await playAll(corpus!);
  const passed = played.filter(({ outcome }) => outcome.passed);
  for (const { version, name } of passed)
    assert.equal(
      leftOut.some(({ cases }) => cases.test(`${version} ${name}`)),
      false,
      `${version} ${name} passes`,
    );
  assert.equal(
    conformancePage(played),
    readFileSync(page, 'utf8'),
    'node packages/services/src/kms/testing/oasis/write.ts',
  );
  assert.ok(passed.length >= 229, `${passed.length} of ${played.length}`);
});

const request = parseElement(`<RequestMessage><RequestHeader><ProtocolVersion>
  <ProtocolVersionMajor type="Integer" value="1"/><ProtocolVersionMinor type="Integer" value="4"/></ProtocolVersion>
  <BatchCount type="Integer" value="1"/></RequestHeader><BatchItem><Operation type="Enumeration" value="GetAttributes"/>
  <RequestPayload><UniqueIdentifier type="TextString" value="a"/><AttributeName type="TextString" value="State"/>
  </RequestPayload></BatchItem></RequestMessage>`);

const answer = ({ status = 'Success', id = 'a', state = 'Active', more = '', message = '' } = {}): XmlElement =>
  parseElement(`<ResponseMessage><ResponseHeader><ProtocolVersion>
  <ProtocolVersionMajor type="Integer" value="1"/><ProtocolVersionMinor type="Integer" value="4"/></ProtocolVersion>
  <TimeStamp type="DateTime" value="2026-01-01T00:00:00Z"/><BatchCount type="Integer" value="1"/></ResponseHeader>
  <BatchItem><Operation type="Enumeration" value="GetAttributes"/><ResultStatus type="Enumeration" value="${status}"/>
  ${message}<ResponsePayload><UniqueIdentifier type="TextString" value="${id}"/><Attribute>
  <AttributeName type="TextString" value="State"/><AttributeValue type="Enumeration" value="${state}"/></Attribute>${more}
  </ResponsePayload></BatchItem></ResponseMessage>`);

const context = () => ({
  now: new Date(0),
  values: new Map<string, string>(),
  request,
  dates: new Set<number>(),
  made: new Set<string>(),
  random: new Set<string>(),
});

test('the comparison finds every kind of difference that no rule allows', () => {
  fromXml(request);
  const text = '<ResultMessage type="TextString" value="as you like"/>';
  compareAnswer(answer(), answer({ message: text }), context());
  const another = `<Attribute><AttributeName type="TextString" value="Fresh"/>
    <AttributeValue type="Boolean" value="true"/></Attribute>`;
  const changed = [{ status: 'OperationFailed' }, { state: 'PreActive' }, { more: another }];
  for (const each of changed) {
    assert.throws(() => compareAnswer(answer(), answer(each), context()), Difference, JSON.stringify(each));
    assert.throws(() => compareAnswer(answer(each), answer(), context()), Difference, JSON.stringify(each));
  }
  assert.throws(() => compareAnswer(answer(), answer({ id: 'b' }), context()), Difference);
});

/** The answers of a case, each with one value of its batch items changed. */
function* changedAnswers({ exchanges, ...of }: OasisCase): Generator<OasisCase> {
  for (const [i, each] of exchanges.entries())
    for (const response of changedElements(each.response))
      yield { ...of, exchanges: exchanges.with(i, { ...each, response }) };
}

function* changedElements(element: XmlElement): Generator<XmlElement> {
  const { attributes, children } = element;
  const other = { Enumeration: 'Certificate', Integer: '3', TextString: 'another' }[attributes.type ?? ''];
  if (other !== undefined && !attributes.value?.startsWith('$'))
    yield { ...element, attributes: { ...attributes, value: other } };
  for (const [i, child] of children.entries())
    if (child.name !== 'ResponseHeader')
      for (const changed of changedElements(child)) yield { ...element, children: children.with(i, changed) };
  for (const [i, { name }] of children.entries())
    if (name === 'Attribute' || name === 'UniqueIdentifier') yield { ...element, children: children.toSpliced(i, 1) };
}

test('a case that expects another value, or does not expect one that comes, does not pass', { skip }, async (t) => {
  const server = await oasisServer();
  t.after(() => server.close());
  const known = oasisCases(join(corpus!, 'kmip')).find(({ name }) => name === 'SKLC-M-1-14')!;
  using target = await server.target('known');
  assert.deepEqual(await play(known, target, new Set()), { passed: true });
  let count = 0;
  for (const changed of changedAnswers(known)) {
    using other = await server.target(`changed-${count++}`);
    assert.equal((await play(changed, other, new Set())).passed, false, `change ${count}`);
  }
  assert.ok(count > 20, `${count} changes`);
});

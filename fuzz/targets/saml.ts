import { signAssertion } from '@vouchsafe/domain/attestation/saml/assertion';
import { verifyAssertion } from '@vouchsafe/domain/attestation/saml/verify-assertion';
import { jwkOf } from '@vouchsafe/domain/keys/jwk';
import { newSession, sampleClaims, testGroup, testTime } from '@vouchsafe/domain/testing/group';
import { problemsOf } from '../problems.ts';
import { bytesOf, type MakeTargets, text, wordsOf } from '../target.ts';

/** Assertions: no mutant may be accepted with another meaning. */
export const make: MakeTargets = async () => {
  const [ours, session] = [await testGroup(), newSession()];
  const { key, certificate } = await ours.inRole('attestd');
  const holder = jwkOf(session.signing.publicKey);
  const signed = (jti: string) =>
    signAssertion(key, certificate, { claims: sampleClaims(ours.group, session, { jti }), holder });
  const good = signed('token-1');
  const whole = JSON.stringify(await verifyAssertion(good, ours.group, testTime));
  const other = JSON.stringify(await verifyAssertion(signed('token-2'), ours.group, testTime));
  return [
    {
      name: 'saml',
      samples: [good, signed('token-2')].map(bytesOf),
      words: wordsOf(
        '<!DOCTYPE x [<!ENTITY a "b">]>',
        '&a;',
        '<!---->',
        '<![CDATA[',
        ']]>',
        '<?x?>',
        '<saml:Assertion',
        '</saml:Assertion>',
        '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#">',
        '</ds:Signature>',
        ' ID="_token-1"',
        ' xmlns:saml=""',
        '&#0;',
        '&#x3c;',
      ),
      run: async (bytes) => {
        const facts = JSON.stringify(await verifyAssertion(text(bytes), ours.group, testTime));
        if (facts !== whole && facts !== other) throw new Error('a mutant was accepted with another meaning');
      },
      refuses: problemsOf('token.invalid'),
    },
  ];
};

// TikTok's wording, verbatim, above every button that publishes.
const MUSIC = 'https://www.tiktok.com/legal/page/global/music-usage-confirmation/en';
const BRANDED = 'https://www.tiktok.com/legal/page/global/bc-policy/en';

export function Declaration({ branded }: { branded: boolean }) {
  const music = <a href={MUSIC} target="_blank" rel="noreferrer">Music Usage Confirmation</a>;
  return (
    <p class="declaration" id="declaration">
      By posting, you agree to TikTok's{' '}
      {branded ? <><a href={BRANDED} target="_blank" rel="noreferrer">Branded Content Policy</a> and {music}</> : music}.
    </p>
  );
}

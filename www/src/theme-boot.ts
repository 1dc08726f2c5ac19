// Runs before the first paint, so that a chosen theme never flashes. The settings screen writes the same key.
try {
  const theme = localStorage.getItem('tts.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage can be forbidden; the system's theme is then right.
}

"""Identity over time: motion, association, life cycle. numpy only: no video, no network."""
